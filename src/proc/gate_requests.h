/*
 * Requests within the gate process: the library gate/request.h with its audit log, the channels to the field processes,
 * and those who ask.
 */
#ifndef PROC_GATE_REQUESTS_H
#define PROC_GATE_REQUESTS_H

#include "gate/request.h"
#include "proc/child.h"

struct gate_requests;
struct gate_requests_ops {
	/* Say OUTCOME or AUDITED to office: 0; ERR_AGAIN: later; anything else: it is gone. */
	int	(*to_office)(void *arg, enum msg_type type, const void *p, size_t len);
	int	(*to_insight)(void *arg, enum msg_type type, const void *p, size_t len);	/* the same to insight */
	/* Something is due earlier than was said: call gate_requests_tick(). */
	void	(*soon)(void *arg);
	void	*arg;
};
/* 0 with *out given; an error was logged. */
int gate_requests_open(const char *state_dir, const struct gate_requests_ops *ops, struct gate_requests **out);
void gate_requests_close(struct gate_requests *g);
/* A plan in force; borrowed until the next one. */
void gate_requests_plan(struct gate_requests *g, const struct plan *p);
/* Where figures go from now on; NULL: nowhere. */
void gate_requests_figures(struct gate_requests *g, struct stats *stats);
void gate_requests_live(struct gate_requests *g, uint64_t source_key, const struct sample *v, uint32_t n);
void gate_requests_live_lost(struct gate_requests *g);
/* A channel to the field process of a zone (fd taken). */
void gate_requests_field(struct gate_requests *g, uv_loop_t *loop, const char *zone, int fd);
/* What became durable of a stream that this writer ("field:<zone>") brings. 0, or ERR_AGAIN: no channel, or a full one. */
int gate_requests_durable(struct gate_requests *g, const char *writer, uint64_t origin, uint64_t no, bool hole);
/*
 * REQUEST of office. Not trusted: a malformed one, or one more when it leaves a thousand outcomes unread, is refused with
 * an error, and costs office the channel.
 */
int gate_requests_office(struct gate_requests *g, const void *p, size_t len);
/* AUDIT of office, likewise: entered with the sink's name and the person that office gives, and answered. */
int gate_requests_audit(struct gate_requests *g, const void *p, size_t len);
/*
 * CHANGED of office or field (process: by whose channel), likewise. What comes too often within a second is logged, and not
 * entered.
 */
int gate_requests_changed(struct gate_requests *g, const char *process, const void *p, size_t len);
void gate_requests_office_gone(struct gate_requests *g);
/* The same of insight, which asks for acknowledges of handshakes. */
int gate_requests_insight(struct gate_requests *g, const void *p, size_t len);
void gate_requests_insight_gone(struct gate_requests *g);
/* `penstock request ...`; argv[0] is who asks, as the supervisor saw it (proc/who.h). c given. */
void gate_requests_client(struct gate_requests *g, struct client *c, int argc, const char *const *argv);
/* An entry of something else: RELEASE, DISCARD, NODE, CERT. */
void gate_requests_note(struct gate_requests *g, enum audit_kind kind, const char *json);
/* Deadlines, figures. When to call again. */
struct mono gate_requests_tick(struct gate_requests *g);

#endif
