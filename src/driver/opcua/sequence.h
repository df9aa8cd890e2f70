/*
 * The sequence numbers of one subscription: what is handed on when, what is missing, what is lost. No calls: publish.c makes those.
 */
#ifndef DRIVER_OPCUA_SEQUENCE_H
#define DRIVER_OPCUA_SEQUENCE_H

#include "driver/opcua/publish.h"

/* A message has come, by Publish or Republish. True: acknowledge its number (it is handed on, now or before). m is borrowed. */
bool ua_sequence_message(struct ua_agent *a, struct ua_sub *s, const UA_NotificationMessage *m);
/* Held messages that are next in line are handed on; each is acknowledged by ua_publish_ack. */
void ua_sequence_drain(struct ua_agent *a, struct ua_sub *s);
/* The next message is lost for good: go on behind it. */
void ua_sequence_lost(struct ua_agent *a, struct ua_sub *s);
/* The server has message seq. */
void ua_sequence_known(struct ua_agent *a, struct ua_sub *s, uint32_t seq, int64_t reorder_ns);
/* Something before `known` is missing. */
static inline bool ua_sequence_missing(const struct ua_sub *s) { return s->missing_since.ns != INT64_MAX; }
void ua_sequence_drop_held(struct ua_sub *s);
void ua_publish_ack(struct ua_agent *a, const struct ua_sub *s, uint32_t seq);
/* stray.c: have the server end a subscription of this session that nobody follows. */
void ua_publish_end_stray(struct ua_agent *a, uint32_t id);

#endif
