/*
 * The control line: a loopback TCP port that takes one command a line and answers each with one line, "ok ..." or
 * "error ...", or one line of JSON. A test drives the simulator and asks it for the truth here.
 */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "sim/net.h"

#define CONTROL_ARGS	8
#define CONTROL_LINE	512	/* bytes a command may have */

struct sim_control;

struct sim_verb {
	const char	*name, *args, *help;
	int		 least, most;	/* arguments */
	/* Writes its answer, without the newline, to out. */
	void		(*run)(struct sim_control *c, int argc, char **argv, struct buf *out);
};

struct sim_control {
	struct sim_net		*net;
	void			*app;		/* for the verbs of a subcommand */
	const struct sim_verb	*verbs;		/* those of the subcommand; n of them */
	size_t			 n;
	uv_tcp_t		 listener;
	char			 where[64];
	struct buf		 out;
};

/* Listen on 127.0.0.1:port (0: any). Returns 0 or a code of err.h, after saying why on stderr. c lives on. */
int sim_control_open(struct sim_control *c, unsigned port);
/* One command line, as if it came in; the answer is in c->out. line is changed. */
void sim_control_line(struct sim_control *c, char *line);

#endif
