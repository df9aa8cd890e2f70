/* See notes.h. */
#include "proc/notes.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "pki/pki.h"

#define AGAIN_MS	500u
#define TEXT_MAX	1000u

/*        name       of an entry, in the order of the message */
#define NOTE_TEXTS(X) X(side) X(what) X(by) X(subject) X(sha1) X(detail)

struct note {
	struct note	*next;
	size_t		 len;
	uint8_t		 p[NOTE_BYTES_MAX];
};

static struct {
	pthread_mutex_t	 lock;		/* of what follows up to n */
	struct note	*first, **end;
	unsigned	 n;
	uv_async_t	 news;
	uv_timer_t	 again;
	int		(*send)(const void *p, size_t len);
} notes = { .lock = PTHREAD_MUTEX_INITIALIZER, .end = &notes.first };

static void
put_text(struct writer *w, const char *s)
{
	char cut[TEXT_MAX + 1];
	size_t n = strnlen(s, TEXT_MAX);

	memcpy(cut, s, n);
	cut[n] = '\0';
	wr_text(w, cut);
}

/* From any thread. */
static void
on_change(const struct pki_change *c)
{
	struct note *n = calloc(1, sizeof *n);
	bool full = n == NULL;

	if (n != NULL) {
		struct writer w = wr_init(n->p, sizeof n->p);
#define X(name) put_text(&w, c->name);
		NOTE_TEXTS(X)
#undef X
		n->len = wr_len(&w);
		full = w.err != 0;
	}
	pthread_mutex_lock(&notes.lock);
	full |= notes.n == NOTES_MAX;
	if (!full) {
		*notes.end = n;
		notes.end = &n->next;
		notes.n++;
	}
	pthread_mutex_unlock(&notes.lock);
	if (full) {
		log_error("audit_entry_lost", "kind=cert what=%s side=%s remedy=\"changes.log of that side has it\"", c->what,
		    c->side);
		free(n);
	} else
		uv_async_send(&notes.news);
}

/* The loop alone takes away, so the first one stays where it is while it is sent. */
static bool
tell(void)
{
	for (;;) {
		pthread_mutex_lock(&notes.lock);
		struct note *n = notes.first;
		pthread_mutex_unlock(&notes.lock);
		if (n == NULL)
			return true;
		if (notes.send(n->p, n->len) != 0)
			return false;
		pthread_mutex_lock(&notes.lock);
		notes.first = n->next;
		if (notes.first == NULL)
			notes.end = &notes.first;
		notes.n--;
		pthread_mutex_unlock(&notes.lock);
		free(n);
	}
}

static void
on_again(uv_timer_t *t)
{
	if (tell())
		uv_timer_stop(t);
}

static void
on_news(uv_async_t *h)
{
	(void)h;
	if (!tell())
		uv_timer_start(&notes.again, on_again, AGAIN_MS, AGAIN_MS);
}

void
notes_open(uv_loop_t *loop, int (*send)(const void *p, size_t len))
{
	notes.send = send;
	uv_async_init(loop, &notes.news, on_news);
	uv_timer_init(loop, &notes.again);
	uv_unref((uv_handle_t *)&notes.news);
	uv_unref((uv_handle_t *)&notes.again);
	pki_on_change(on_change);
}

void
notes_close(void)
{
	if (notes.send != NULL && !tell())
		log_warn("audit_entry_lost", "kind=cert count=%u why=\"gate is away\" remedy=\"changes.log has it\"", notes.n);
}

int
notes_read(const void *p, size_t len, const char *process, struct buf *json)
{
	char text[TEXT_MAX + 1];
	struct reader r = rd_init(p, len);
	struct json j = { .out = json };

	json_open(&j, '{');
	json_key_text(&j, "process", process);
#define X(name)							\
	rd_text(&r, text, TEXT_MAX);				\
	json_key(&j, #name);					\
	json_text(&j, r.err == 0 ? text : "");
	NOTE_TEXTS(X)
#undef X
	json_close(&j, '}');
	return rd_end(&r);
}
