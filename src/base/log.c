/* See log.h. The line is built in one buffer and leaves in one write, so lines of several processes never mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char		*who = "penstock";
static enum log_level		 threshold = LOG_LEVEL_INFO;
static const char *const	 level_names[] = { "error", "warn", "info", "debug" };

void
log_open(const char *process, enum log_level level)
{
	who = process;
	threshold = level;
}

__attribute__((format(printf, 3, 0))) static void
log_line(enum log_level level, const char *event, const char *fmt, va_list ap)
{
	char raw[LOG_LINE_MAX], line[LOG_LINE_MAX], when[WALL_TEXT];
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	wall_format((struct wall){ ts.tv_sec * NS_PER_S + ts.tv_nsec }, 3, when);
	int head = snprintf(raw, sizeof raw, "t=%s level=%s proc=%s event=%s ", when, level_names[level], who, event);
	int body = vsnprintf(raw + head, sizeof raw - (size_t)head, fmt, ap);
	size_t len = (size_t)head + (body < 0 ? 0 : (size_t)body);
	if (len > sizeof raw - 1)
		len = sizeof raw - 1;
	while (len > 0 && raw[len - 1] == ' ')
		len--;

	/* Control bytes (a name from a device may hold anything) become \xNN; what no longer fits is cut. */
	size_t n = 0;
	for (size_t i = 0; i < len && n < sizeof line - 6; i++) {
		unsigned char c = (unsigned char)raw[i];
		if (c < 0x20 || c == 0x7f)
			n += (size_t)snprintf(line + n, 5, "\\x%02x", c);
		else
			line[n++] = (char)c;
	}
	line[n++] = '\n';
	ssize_t written = write(STDERR_FILENO, line, n);
	(void)written;	/* there is nowhere left to complain to */
}

void
log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	va_list ap;
	if (level > threshold)
		return;
	va_start(ap, fmt);
	log_line(level, event, fmt, ap);
	va_end(ap);
}

void
fatal(const char *event, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_line(LOG_LEVEL_ERROR, event, fmt, ap);
	va_end(ap);
	_exit(70);	/* EX_SOFTWARE */
}

bool
log_limit_ok(struct log_limit *l, struct mono now, unsigned long *suppressed)
{
	if (l->used == 0 || mono_diff(now, l->since) > l->period_ms * NS_PER_MS) {
		l->since = now;
		l->used = 0;
	}
	if (l->used >= l->burst) {
		l->left_out++;
		return false;
	}
	l->used++;
	*suppressed = l->left_out;
	l->left_out = 0;
	return true;
}
