/*
 * One line an event on standard error: a fixed event name that people grep for and alert on, then key=value pairs
 * (logfmt). error: someone acts. warn: we cope, quality suffers. info: a state changed. debug: for us.
 * Values from the plant, credentials and whole payloads stay out. Bytes that could break a terminal or a line are
 * escaped; a line is at most LOG_LINE_MAX bytes.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/clock.h"

#define LOG_LINE_MAX 2048

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Who speaks ("field:line-3") and from which level up. Call once, early; the name is borrowed for good. */
void log_open(const char *process, enum log_level level);
/* fmt makes "key=value key=\"two words\"" and may be "". Write quoted text with %s inside \"...\". */
void log_event(enum log_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#define log_error(event, ...)	log_event(LOG_LEVEL_ERROR, (event), __VA_ARGS__)
#define log_warn(event, ...)	log_event(LOG_LEVEL_WARN, (event), __VA_ARGS__)
#define log_info(event, ...)	log_event(LOG_LEVEL_INFO, (event), __VA_ARGS__)
#define log_debug(event, ...)	log_event(LOG_LEVEL_DEBUG, (event), __VA_ARGS__)

/* A broken invariant of ours: log, then leave with status 70. The supervisor starts a clean process. */
_Noreturn void fatal(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * A gate for events that may repeat fast: at most `burst` per `period_ms`. log_limit_ok() says whether to log now;
 * *suppressed receives how many were left out since the last one that was let through.
 */
struct log_limit {
	int		burst, period_ms;
	int		used;
	unsigned long	left_out;
	struct mono	since;
};
bool log_limit_ok(struct log_limit *l, struct mono now, unsigned long *suppressed);

#endif
