/* Inside of ask.c, ask_read.c and ask_trace.c: a request under way, and how answers are said. */
#ifndef FIELD_ASK_INT_H
#define FIELD_ASK_INT_H

#include "field/ask.h"

/* The tags of one read that one source answers. */
struct part {
	struct feed	*feed;		/* NULL: answered, or the source is gone */
	uint32_t	 id;		/* that the driver knows it by */
	uint32_t	 n;
	uint32_t	 tags[ASK_TAGS_MAX];
	bool		 shown[ASK_TAGS_MAX];
};

struct ask {
	struct ask	*next;
	struct field	*field;
	struct ask_to	 to;
	struct deadline	 deadline;	/* of a read */
	bool		 busy;		/* the driver calls of its start are under way: do not end it yet */
	struct part	*parts;		/* of a read */
	uint32_t	 nparts;
	struct feed	*traced;	/* of a trace */
	uint32_t	 frames;	/* since `second` began */
	struct mono	 second;
	uint64_t	 dropped;
};

/* NULL when there are too many; it has been answered and ended then. */
struct ask *ask_new(struct field *f, const struct ask_to *to);
void ask_end(struct ask *a);
/* A read lets go of a feed that leaves; a may be gone after it. */
void ask_read_forget(struct ask *a, struct feed *f);
/* A trace lets go of its feed; nothing for a read. */
void ask_trace_off(struct ask *a);

/* One answer; b is taken. */
void ask_line(const struct ask_to *to, struct buf *b);
/* {"KEY": name, "error": text}; name NULL: the error alone. */
void ask_error(const struct ask_to *to, const char *key, const char *name, const char *text);
/* There is no tag or source (what) of this name; hint: the nearest, or NULL. */
void ask_unknown(const struct ask_to *to, const char *what, const char *name, const char *hint);
/* Calls each() for the tags that patterns mean, and answers for those that mean none or too many. */
void ask_each_tag(struct field *f, const struct ask_to *to, int n, const char *const *patterns,
    void (*each)(void *arg, struct feed *feed, uint32_t tag), void *arg);

#endif
