/* See manual_store.h. */
#include "driver/manual/manual_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "model/request.h"

#define VERSION		1u
#define FILE_BYTES_MAX	(8u << 20)

static void
forget(struct manual_value *m)
{
	if (value_has_bytes(m->v.type))
		free((void *)(uintptr_t)m->v.p);
	m->v = (struct value){ .type = VALUE_NULL };
	m->when.ns = 0;
}

static struct value
own(const struct value *v)
{
	struct value out = *v;

	if (!value_has_bytes(v->type))
		return out;
	char *p = malloc(v->len + 1u);
	if (p == NULL)
		fatal("out_of_memory", "what=manual");
	if (v->len > 0)
		memcpy(p, v->p, v->len);
	p[v->len] = '\0';
	out.p = p;
	return out;
}

static struct manual_value *
find(const struct manual_store *s, const char *name)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].name, name) == 0)
			return &s->v[i];
	return NULL;
}

static struct manual_value *
add(struct manual_store *s, const char *name)
{
	if (s->n == MANUAL_MAX)
		return NULL;
	struct manual_value *more = reallocarray(s->v, s->n + 1, sizeof *more);
	if (more == NULL)
		return NULL;
	s->v = more;
	struct manual_value *m = &s->v[s->n++];
	*m = (struct manual_value){ .v = { .type = VALUE_NULL } };
	snprintf(m->name, sizeof m->name, "%s", name);
	return m;
}

const struct manual_value *
manual_store_get(const struct manual_store *s, const char *name)
{
	return find(s, name);
}

int
manual_store_parse(struct manual_store *s, const void *p, size_t len)
{
	struct reader r = rd_init(p, len >= 4 ? len - 4 : 0);
	struct arena a = { 0 };

	if (len < 16 || memcmp(p, "PMAN", 4) != 0)
		return ERR_CORRUPT;
	struct reader tail = rd_init((const uint8_t *)p + len - 4, 4);
	if (rd_le32(&tail) != crc32c(0, p, len - 4))
		return ERR_CORRUPT;
	rd_bytes(&r, 4);
	uint32_t version = rd_le32(&r), n = rd_le32(&r);
	if (version != VERSION || n > MANUAL_MAX)
		return version != VERSION ? ERR_VERSION : ERR_LIMIT;
	for (uint32_t i = 0; i < n && r.err == 0; i++) {
		char name[MANUAL_NAME_MAX + 1] = "";
		uint8_t size = rd_u8(&r);
		const uint8_t *bytes = rd_bytes(&r, size);
		struct wall when = { (int64_t)rd_le64(&r) };
		struct value v;
		request_value_unpack(&r, &a, &v);
		if (r.err != 0 || size == 0 || size > MANUAL_NAME_MAX || memchr(bytes, 0, size) != NULL ||
		    v.len > MANUAL_TEXT_MAX || (value_has_bytes(v.type) && v.type != VALUE_TEXT)) {
			rd_fail(&r, ERR_CORRUPT);
			break;
		}
		memcpy(name, bytes, size);
		struct manual_value *m = find(s, name);
		m = m != NULL ? m : add(s, name);
		if (m == NULL)
			break;
		forget(m);
		m->v = own(&v);
		m->when = when;
	}
	arena_fini(&a);
	return r.err != 0 ? ERR_CORRUPT : rd_end(&r);
}

static int
write_all(const struct manual_store *s)
{
	struct buf b = { .max = FILE_BYTES_MAX };
	uint8_t head[12] = "PMAN", item[MANUAL_TEXT_MAX + 64];
	struct writer w = wr_init(head + 4, 8);
	int err = 0;

	wr_le32(&w, VERSION);
	wr_le32(&w, s->n);
	buf_put(&b, head, sizeof head);
	for (uint32_t i = 0; i < s->n && err == 0; i++) {
		const struct manual_value *m = &s->v[i];
		buf_putc(&b, (char)strlen(m->name));
		buf_puts(&b, m->name);
		w = wr_init(item, sizeof item);
		wr_le64(&w, (uint64_t)m->when.ns);
		err = request_value_pack(&w, &m->v);
		buf_put(&b, item, wr_len(&w));
	}
	uint8_t sum[4];
	w = wr_init(sum, sizeof sum);
	wr_le32(&w, crc32c(0, buf_text(&b), b.len));
	buf_put(&b, sum, sizeof sum);
	err = err != 0 ? err : b.err;
	if (err == 0)
		err = disk_replace(s->disk, s->path, b.p, b.len);
	buf_fini(&b);
	return err;
}

int
manual_store_set(struct manual_store *s, const char *name, const struct value *v, struct wall when)
{
	struct manual_value *m = find(s, name);
	bool fresh = m == NULL;

	if (v->len > MANUAL_TEXT_MAX && value_has_bytes(v->type))
		return ERR_LIMIT;
	m = fresh ? add(s, name) : m;
	if (m == NULL)
		return ERR_LIMIT;
	struct manual_value before = *m;
	m->v = own(v);
	m->when = when;
	int err = write_all(s);
	if (err == 0) {
		forget(&before);
		return 0;
	}
	forget(m);
	*m = before;
	s->n -= fresh;
	return err;
}

static int
read_file(struct manual_store *s)
{
	const struct disk *d = s->disk;
	struct disk_stat st;
	int fd = d->open(d->ctx, s->path, DISK_READ);

	if (fd < 0)
		return fd == ERR_NOTFOUND ? 0 : fd;
	int err = d->fstat(d->ctx, fd, &st);
	if (err == 0 && st.size > FILE_BYTES_MAX)
		err = ERR_LIMIT;
	uint8_t *p = err == 0 ? malloc((size_t)st.size + 1) : NULL;
	if (err == 0)
		err = p == NULL ? ERR_NOMEM : disk_read_all(d, fd, p, (size_t)st.size, 0);
	d->close(d->ctx, fd);
	if (err == 0)
		err = manual_store_parse(s, p, (size_t)st.size);
	free(p);
	return err;
}

int
manual_store_open(struct manual_store *s, const struct disk *disk, const char *state, const char *source)
{
	*s = (struct manual_store){ .disk = disk };
	if ((size_t)snprintf(s->dir, sizeof s->dir, "%s/manual", state) >= sizeof s->dir ||
	    (size_t)snprintf(s->path, sizeof s->path, "%s/%s.values", s->dir, source) >= sizeof s->path)
		return ERR_LIMIT;
	int err = disk->mkdir(disk->ctx, s->dir);
	if (err != 0)
		return err;
	err = read_file(s);
	if (err != 0) {
		manual_store_close(s);
		s->n = 0;
	}
	return err;
}

void
manual_store_close(struct manual_store *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		forget(&s->v[i]);
	free(s->v);
	s->v = NULL;
	s->n = 0;
}
