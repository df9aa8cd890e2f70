/* Writing the audit log; the format and the crash argument are in audit.h. Here: recovery, append, rotation. */
#include "gate/audit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "gate/audit_files.h"
#include "spool/chain.h"

#define TORN_MAX	(3 * AUDIT_LINE_MAX)	/* the longest write */

struct audit {
	char			*dir;
	const struct disk	*disk;
	struct chain		 chain;
	int			 fd;		/* of the newest file; -1: none yet */
	uint64_t		 size;		/* of it, as far as it is good */
	bool			 dirty;		/* there may be bytes past size */
	uint64_t		 number;	/* of the newest entry */
	uint8_t			 hash[AUDIT_HASH];
	struct buf		 out;
};

/* ---- recovery ---- */

struct recovery {
	struct audit	*a;
	void		(*each)(void *arg, const struct audit_line *l);
	void		*arg;
	bool		 known;		/* hash and number of the entry before are known */
	uint64_t	 good;		/* bytes of this file up to the end of its last whole entry */
	uint64_t	 broken;	/* entries that do not fit the chain */
};

static int
recover_line(void *arg, size_t line, const char *text, size_t len, bool ended)
{
	struct recovery *r = arg;
	struct audit *a = r->a;
	struct audit_line l;
	uint8_t want[AUDIT_HASH];
	(void)line;

	if (!ended || audit_line_parse(text, len, &l) != 0) {
		r->broken += ended;
		return 0;
	}
	if (r->known && (chain_link(&a->chain, a->hash, l.body, l.body_len, NULL, 0, want) != 0 ||
	    l.number != a->number + 1 ||
	    memcmp(want, l.hash, AUDIT_HASH) != 0))
		r->broken++;
	/* A number that jumps back would be given twice. */
	a->number = l.number > a->number ? l.number : a->number;
	memcpy(a->hash, l.hash, AUDIT_HASH);
	r->known = true;
	r->each(r->arg, &l);
	return 0;
}

/*
 * Bytes up to the end of the last line that is an entry. Torn is only what stands behind it, or from a hole on, that a
 * power cut left in the last write; more than a write can be is no tear, and stays for verify to find.
 */
static uint64_t
good_end(const struct buf *b)
{
	struct audit_line l;
	const char *hole = b->len > 0 ? memchr(b->p, '\0', b->len) : NULL;
	size_t end = hole != NULL ? (size_t)(hole - b->p) : b->len;

	if (b->len - end > TORN_MAX)
		end = b->len;

	while (end > 0) {
		const char *nl = memrchr(b->p, '\n', end);
		if (nl == NULL)
			return 0;
		size_t stop = (size_t)(nl - b->p);
		const char *before = stop > 0 ? memrchr(b->p, '\n', stop) : NULL;
		size_t start = before != NULL ? (size_t)(before - b->p) + 1 : 0;
		if (audit_line_parse(b->p + start, stop - start, &l) == 0)
			return stop + 1;
		if (b->len - start > TORN_MAX)
			break;
		end = start;
	}
	return end == 0 ? 0 : b->len;
}

/* Keep what is cut off; a torn entry is no secret, and a forged one would be of interest. */
static int
keep_torn(struct audit *a, const struct buf *b, uint64_t good, struct buf *json)
{
	char path[DISK_PATH_MAX], hex[65];
	uint8_t hash[AUDIT_HASH];
	size_t len = b->len - (size_t)good;
	struct json j = { .out = json };

	int err = chain_link(&a->chain, NULL, b->p + good, len, NULL, 0, hash);
	snprintf(path, sizeof path, "%s/torn-%016llu", a->dir, (unsigned long long)a->number + 1);
	if (err == 0)
		err = disk_replace(a->disk, path, b->p + good, len);
	json_open(&j, '{');
	json_key_u64(&j, "bytes", len);
	json_key_text(&j, "sha256", chain_hex(hash, hex));
	json_close(&j, '}');
	return err;
}

static int
open_newest(struct audit *a, const char *name)
{
	char path[DISK_PATH_MAX];

	if ((size_t)snprintf(path, sizeof path, "%s/%s", a->dir, name) >= sizeof path)
		return ERR_LIMIT;
	a->fd = a->disk->open(a->disk->ctx, path, DISK_READ | DISK_WRITE);
	return a->fd < 0 ? a->fd : 0;
}

static int
recover(struct audit *a, struct recovery *r, struct buf *torn)
{
	struct audit_files files;
	struct buf text = { 0 };

	int err = audit_files_find(a->dir, a->disk, &files);
	size_t from = files.n > AUDIT_READ_FILES ? files.n - AUDIT_READ_FILES : 0;
	r->known = err == 0 && files.n == 0;
	for (size_t i = from; i < files.n && err == 0; i++) {
		err = audit_file_read(a->dir, a->disk, files.v[i], &text);
		if (err != 0)
			break;
		a->size = i + 1 == files.n ? good_end(&text) : text.len;
		audit_lines(buf_text(&text), (size_t)a->size, recover_line, r);
		if (a->size < text.len)
			err = keep_torn(a, &text, a->size, torn);
	}
	if (err == 0 && files.n > 0)
		err = open_newest(a, files.v[files.n - 1]);
	a->dirty = torn->len > 0;
	buf_fini(&text);
	free(files.v);
	return err;
}

static int
say_beginning(struct audit *a, const struct recovery *r, const struct buf *torn, struct wall now)
{
	char text[100];
	struct audit_new v[2] = { { AUDIT_TORN, 0, NULL, buf_text(torn) }, { AUDIT_BEGIN, 0, NULL, text } };

	snprintf(text, sizeof text, "{\"entries_that_do_not_fit\":%llu}", (unsigned long long)r->broken);
	if (r->broken > 0)
		log_error("audit_damaged", "dir=\"%s\" entries=%llu remedy=\"penstock audit verify says which\"",
		    a->dir,
		    (unsigned long long)r->broken);
	return torn->len > 0 ? audit_put(a, v, 2, now) : audit_put(a, v + 1, 1, now);
}

int
audit_open(const char *dir, const struct disk *disk, struct wall now, void (*each)(void *arg,
    const struct audit_line *l), void *arg,
    struct audit **out)
{
	struct audit *a = calloc(1, sizeof *a);
	struct buf torn = { 0 };

	if (a == NULL || (a->dir = strdup(dir)) == NULL || chain_init(&a->chain) != 0) {
		audit_close(a);
		return ERR_NOMEM;
	}
	struct recovery r = { .a = a, .each = each, .arg = arg };
	a->disk = disk;
	a->fd = -1;
	a->out.max = AUDIT_FILE_MAX;
	int err = disk->mkdir(disk->ctx, dir);
	if (err == 0)
		err = recover(a, &r, &torn);
	/* A full disk hinders the entry, not the start: then nothing is admitted until there is room. */
	if (err == 0 && say_beginning(a, &r, &torn, now) != 0)
		log_error("audit_not_writable", "dir=\"%s\" effect=\"no request is admitted until it is\"", dir);
	buf_fini(&torn);
	if (err != 0) {
		log_error("audit_unusable", "dir=\"%s\" error=\"%s\" remedy=\"make it readable and writable for this "
		    "user\"", dir, err_text(err));
		audit_close(a);
		return err;
	}
	*out = a;
	return 0;
}

void
audit_close(struct audit *a)
{
	if (a == NULL)
		return;
	if (a->disk != NULL && a->fd >= 0)
		a->disk->close(a->disk->ctx, a->fd);
	chain_fini(&a->chain);
	buf_fini(&a->out);
	free(a->dir);
	free(a);
}

/* ---- append ---- */

static int
make_line(struct audit *a, const struct audit_new *e, uint64_t number, struct wall now, uint8_t hash[AUDIT_HASH])
{
	static const char none[2 * AUDIT_HASH + 2] = "";
	char time[WALL_TEXT], hex[2 * AUDIT_HASH + 1];
	size_t start = a->out.len;

	buf_put(&a->out, none, 2 * AUDIT_HASH + 1);
	size_t body = a->out.len;
	buf_printf(&a->out, "%llu %s %s %llu %s ", (unsigned long long)number, wall_format(now, 9, time),
	    audit_kind_name(e->kind),
	    (unsigned long long)e->id, e->mark != NULL && *e->mark != '\0' ? e->mark : "-");
	buf_puts(&a->out, e->json);
	if (a->out.err != 0 || a->out.len - start + 1 > AUDIT_LINE_MAX || memchr(a->out.p + body, '\n',
	    a->out.len - body) != NULL)
		return ERR_LIMIT;
	int err = chain_link(&a->chain, hash, a->out.p + body, a->out.len - body, NULL, 0, hash);
	memcpy(a->out.p + start, chain_hex(hash, hex), 2 * AUDIT_HASH);
	a->out.p[start + 2 * AUDIT_HASH] = ' ';
	buf_putc(&a->out, '\n');
	return err != 0 ? err : a->out.err;
}

/* The file that the next entry goes to. */
static int
rotate(struct audit *a)
{
	char name[AUDIT_NAME_MAX], path[DISK_PATH_MAX];
	const struct disk *d = a->disk;

	if (a->fd >= 0 && a->size < AUDIT_FILE_MAX)
		return 0;
	audit_file_name(a->number + 1, name);
	if ((size_t)snprintf(path, sizeof path, "%s/%s", a->dir, name) >= sizeof path)
		return ERR_LIMIT;
	int fd = d->open(d->ctx, path, DISK_READ | DISK_WRITE | DISK_CREATE);
	if (fd < 0)
		return fd;
	int err = disk_sync_parent(d, path);
	if (err != 0) {
		d->close(d->ctx, fd);
		return err;
	}
	if (a->fd >= 0)
		d->close(d->ctx, a->fd);
	a->fd = fd;
	a->size = 0;
	a->dirty = true;
	return 0;
}

static int
append(struct audit *a)
{
	const struct disk *d = a->disk;
	int err = a->dirty ? d->truncate(d->ctx, a->fd, a->size) : 0;

	if (err != 0)
		return err;
	a->dirty = true;
	err = disk_write_all(d, a->fd, a->out.p, a->out.len, a->size);
	if (err == 0)
		err = d->sync(d->ctx, a->fd);
	/*
	 * What may stand there by half is cut off, so that a reader sees whole entries; the next call tries again if
	 * need be.
	 */
	if (err == 0 || d->truncate(d->ctx, a->fd, a->size) == 0)
		a->dirty = false;
	return err;
}

int
audit_put(struct audit *a, const struct audit_new *v, size_t n, struct wall now)
{
	uint8_t hash[AUDIT_HASH];

	int err = rotate(a);
	memcpy(hash, a->hash, sizeof hash);
	buf_reset(&a->out);
	for (size_t i = 0; i < n && err == 0; i++)
		err = make_line(a, &v[i], a->number + 1 + i, now, hash);
	if (err == 0)
		err = append(a);
	if (err != 0)
		return err;
	a->size += a->out.len;
	a->number += n;
	memcpy(a->hash, hash, sizeof hash);
	return 0;
}

uint64_t
audit_newest(const struct audit *a, uint8_t hash[AUDIT_HASH])
{
	memcpy(hash, a->hash, AUDIT_HASH);
	return a->number;
}
