/* Gate's end of the channel to insight: requests of handshakes come, their outcomes and what is durable of its streams go. */
#ifndef PROC_GATE_INSIGHT_H
#define PROC_GATE_INSIGHT_H

#include <uv.h>

#include "base/clock.h"
#include "ring/channel.h"

struct gate_insight;
struct gate_insight_ops {
	int	(*request)(void *arg, const void *p, size_t len);	/* not trusted; an error costs insight the channel */
	void	(*gone)(void *arg);					/* the other end is, and the struct with it */
	void	*arg;
};
/* fd taken. NULL: closed. */
struct gate_insight *gate_insight_open(uv_loop_t *loop, int fd, const struct gate_insight_ops *ops);
void gate_insight_close(struct gate_insight *g);
/* 0; ERR_AGAIN: the channel is full; anything else: the other end is gone. */
int gate_insight_say(struct gate_insight *g, enum msg_type type, const void *p, size_t len);
int gate_insight_durable(struct gate_insight *g, uint64_t origin, uint64_t no, bool hole);

#endif
