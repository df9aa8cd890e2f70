/*
 * What drivers with threads of their own (LINK_OWN, driver.h) have no use for, for the rows of their tables: far ends that send by themselves
 * are not scanned, are not asked for a tag, and say in no estimate how much they send.
 */
#ifndef DRIVER_OWN_H
#define DRIVER_OWN_H

#include "driver/driver.h"

/* struct driver.link: of a source whose endpoint is a URL of the driver's endpoint_scheme. */
int own_link(const struct source *s, struct link_spec *out);
int own_no_scan(void *ctx, uint32_t src, uint32_t scan_class, bool probe, struct mono now, struct wall wall);
int own_no_read(void *ctx, uint32_t src, const uint32_t *tags, uint32_t n, uint32_t id, struct mono now);
void own_no_give_up(void *ctx, uint32_t src, uint32_t status, struct wall wall);	/* nothing is made bad */
void own_no_input(void *ctx, const void *p, size_t len, struct mono now, struct wall wall);
struct mono own_no_next(const void *ctx);
void own_no_trace(void *ctx, uint32_t src, bool on);
void own_explain(bool out, const void *p, size_t len, struct buf *text);	/* frames are lines of text already */
int own_no_load(const struct source *s, struct arena *a, struct load_info *out);

#endif
