/* A running gateway to measure: a simulated plant, a broker, penstock, and a subscriber at the far end. */
#ifndef BENCH_RIG_H
#define BENCH_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "bench/bench.h"

struct rig_endpoint {
	char	name[32], address[64];
};

struct rig {
	struct bench_child	 sim, broker, penstock;
	struct rig_endpoint	*endpoints;
	size_t			 n;
	const char		*dir;		/* holds site.yaml and state/ */
	char			 state[128];
	int			 broker_port;	/* 0: no broker */
};

/* What all processes of a running penstock have used, and figures summed over all objects of a kind. */
struct rig_usage {
	double	 at_s;		/* monotonic */
	double	 cpu_s, pss_mib;
	unsigned processes;
};

/* Start a plant: arguments of `penstock sim`, NULL-ended. false and said why. */
bool rig_sim(struct rig *r, const char *const *args);
bool rig_broker(struct rig *r);
/* Begin a site file: site, zones, conduit, one source an endpoint (extra: keys for each, ", in-flight: 4" or ""), a sink "b" if there is a
 * broker. The caller adds types, equipment, flows and then starts. */
void rig_site(struct rig *r, const char *extra, struct buf *out);
bool rig_start(struct rig *r, const struct buf *site);
bool rig_usage(struct rig *r, struct rig_usage *out);
/* The same of those children alone whose name begins with a prefix ("field:"). */
bool rig_children(struct rig *r, const char *prefix, struct rig_usage *out);
/* One figure summed over the objects of a kind whose name begins with a prefix ("" for all); -1: no answer. */
double rig_figure(struct rig *r, const char *kind, const char *prefix, const char *figure);
void rig_stop(struct rig *r);

/* The far end: a subscriber on a thread of its own, which counts. */
struct far_end;
struct far_end_count {
	uint64_t	messages, bytes, values;
};
struct far_end *far_end_open(int port);
void far_end_count(struct far_end *f, struct far_end_count *out);
/* Latencies since the last call: from "arrival" in a message to its receipt, in ms; given (free()), n of them. */
double *far_end_latencies(struct far_end *f, size_t *n);
void far_end_close(struct far_end *f);

#endif
