/*
 * What people ask of a running engine: read a tag now, why a tag is as it is, trace a source. Answers are JSON
 * objects, a line each. The one who asks may be slow or gone; the scans do not wait for him.
 */
#ifndef FIELD_ASK_H
#define FIELD_ASK_H

#include "field/feed.h"

#define ASKS_MAX		32u			/* under way at one time */
#define ASK_TAGS_MAX		256u			/* of one read or why */
#define ASK_READ_NS		(15 * NS_PER_S)		/* longest that a read is waited for */
#define ASK_FRAMES_PER_S	1000u			/* of one trace; more are counted and left out */

/* Whom to answer. */
struct ask_to {
	void	*arg;
	bool	(*line)(void *arg, const char *text, size_t len);	/* with '\n'; false: no room, not taken */
	void	(*end)(void *arg);					/* nothing more comes */
};

/*
 * Paths may be patterns, see model/path.h. Each answers through `to`, at once or later; `to.end` is called in any
 * case, maybe before these return.
 */
void ask_read(struct field *f, const struct ask_to *to, int n, const char *const *paths);
void ask_why(struct field *f, const struct ask_to *to, int n, const char *const *paths);
void ask_trace(struct field *f, const struct ask_to *to, int n, const char *const *sources);
/* The one with this arg has gone: forget him, without end(). */
void ask_gone(struct field *f, void *arg);

/* From the engine. */
void ask_sample(struct feed *f, const struct sample *s);
void ask_frame(struct feed *f, bool out, const void *p, size_t len, const char *note);
void ask_done(struct field *f, uint32_t id, int err, const char *why);
void ask_feed_gone(struct feed *f);
/* Answer "stopping" to all that is under way. */
void ask_end_all(struct field *f, const char *why);

#endif
