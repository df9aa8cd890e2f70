/*
 * Orders: requests that gate has admitted, carried out at the device. What gate has judged is not judged again; what
 * only this side can know is: that the time is not over at the moment of sending, that the order was not seen before,
 * that the source is still the one it was judged for, and what the device holds afterwards.
 *
 *	take ──> writing ──confirmed──> reading ──it is there──> applied
 *	  │         ├─refused, expired      ├─time is over──> unknown
 *	  │         └─no answer──> reading ─┘
 *	  └──> refused, expired: nothing left
 *
 * Once its time is over and bytes of it may still wait in our kernel, the connection is reset, so that they never
 * arrive.
 */
#ifndef FIELD_ORDER_H
#define FIELD_ORDER_H

#include "field/feed.h"
#include "ring/order.h"

#define ORDERS_MAX		64u			/* under way at one time */
#define ORDER_ANSWER_NS		(20 * NS_PER_S)		/* longest that a driver is waited for after the deadline */
#define ORDER_READ_PAUSE_NS	(100 * NS_PER_MS)	/* between two looks at the device */

/* Carry out an order (borrowed). done comes exactly once, maybe before this returns. */
void order_take(struct field *f, const struct order *o, request_done *done, void *arg);

/* From the engine. */
struct mono order_deadline(struct field *f, uint32_t id);	/* 0, over: no order has this id any more */
bool order_done(struct field *f, uint32_t id, int err, const char *why);	/* false: no order's */
/* Output of a write whose time is over may wait on this connection, and nobody has looked yet: reset it. */
bool order_overdue(const struct link *l);
void order_sample(struct feed *f, const struct sample *s);
void order_result(struct field *f, uint32_t id, uint32_t i, const struct value *v);
void order_feed_gone(struct feed *f);
/* The engine is being stopped: what is under way is unknown. */
void order_end_all(struct field *f);

#endif
