/* The two ends of the channel between gate and a field process, on a loop: orders go down, outcomes come up. */
#ifndef PROC_ORDERS_H
#define PROC_ORDERS_H

#include <uv.h>

#include "field/field.h"
#include "ring/order.h"

/* ---- field's end ---- */

struct orders_in;
/*
 * fd taken. Orders are carried out by *field, which may still be NULL (then they are refused). NULL: no memory, fd
 * closed.
 */
struct orders_in *orders_in_open(uv_loop_t *loop, int fd, struct field *const *field);
/* CHANGED to gate, see notes.h. 0, or an error: later. in may be NULL. */
int orders_in_changed(struct orders_in *in, const void *p, size_t len);
/* Let go of it: outcomes of what is under way have nobody to go to any more. */
void orders_in_close(struct orders_in *in);

/* ---- gate's end ---- */

struct orders_out;
struct orders_out_ops {
	void	(*carried)(void *arg, const char *zone, const struct request_result *r);
	/* CHANGED; an error: malformed. */
	int	(*changed)(void *arg, const char *zone, const void *p, size_t len);
	void	(*lost)(void *arg, const char *zone);	/* the other end is gone, and the struct with it */
	void	*arg;
};
/* fd taken; NULL: closed. */
struct orders_out *orders_out_open(uv_loop_t *loop, int fd, const char *zone, const struct orders_out_ops *ops);
/* 0: handed over. An error: nothing was. */
int orders_out_send(struct orders_out *out, const struct order *o);
/* What became durable of another node's stream, see gate/origin.c. 0, or ERR_AGAIN: the channel is full. */
int orders_out_durable(struct orders_out *out, uint64_t origin, uint64_t no, bool hole);
const char *orders_out_zone(const struct orders_out *out);
/* What has arrived is still told. */
void orders_out_close(struct orders_out *out);

#endif
