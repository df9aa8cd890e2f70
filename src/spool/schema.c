/*
 * See schema.h. The file, little-endian, "text" being a varint length and that many bytes without a NUL:
 *
 *	 0  8	magic "PNSTKSCH"
 *	 8  4	format version (1)
 *	12  4	schema version, as in the directory's name
 *	16  4	number of tags
 *	20	text flow; then per tag: text name, text unit, text help, u8 type (enum value_type),
 *		u8 has_range (0 or 1), f64 low, f64 high
 *	end-4	CRC-32C over all before
 *
 * It is written aside, synced and renamed, so it is there whole or not at all.
 */
#include "spool/schema.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "spool/format.h"

static const uint8_t magic[8] = "PNSTKSCH";

static const char *
get_text(struct reader *r, struct arena *a)
{
	uint64_t len = rd_varint(r);
	if (len > SCHEMA_TEXT_MAX)
		rd_fail(r, ERR_CORRUPT);
	const uint8_t *p = rd_bytes(r, r->err != 0 ? 0 : (size_t)len);
	if (p == NULL || memchr(p, 0, (size_t)len) != NULL) {
		rd_fail(r, ERR_CORRUPT);
		return "";
	}
	return arena_strndup(a, (const char *)p, (size_t)len);
}

static double
get_f64(struct reader *r)
{
	uint64_t bits = rd_le64(r);
	double v;
	memcpy(&v, &bits, sizeof v);
	return v;
}

static void
get_tag(struct reader *r, struct arena *a, struct spool_tag *t)
{
	t->name = get_text(r, a);
	t->unit = get_text(r, a);
	t->help = get_text(r, a);
	t->type = rd_u8(r);
	uint8_t has_range = rd_u8(r);
	t->has_range = has_range != 0;
	t->lo = get_f64(r);
	t->hi = get_f64(r);
	if (!value_type_valid(t->type) || has_range > 1)
		rd_fail(r, ERR_CORRUPT);
}

static int
parse(struct reader *r, struct schema_file *out)
{
	struct spool_schema *s = &out->schema;

	uint32_t version = rd_le32(r);
	if (r->err == 0 && version != SPOOL_FORMAT)
		return ERR_VERSION;
	s->version = rd_le32(r);
	uint32_t n = rd_le32(r);
	/*
	 * A tag takes 21 bytes at least, so a count from a lying file cannot make us allocate much more than it is
	 * long.
	 */
	if (n > SPOOL_TAGS_MAX || n > rd_left(r) / 21)
		return ERR_CORRUPT;
	s->flow = get_text(r, &out->arena);
	s->tags = arena_array(&out->arena, n > 0 ? n : 1, sizeof *s->tags);
	out->types = arena_alloc(&out->arena, n > 0 ? n : 1);
	for (s->n = 0; s->n < n && r->err == 0; s->n++) {
		get_tag(r, &out->arena, &s->tags[s->n]);
		out->types[s->n] = s->tags[s->n].type;
	}
	return rd_end(r) != 0 ? ERR_CORRUPT : 0;
}

int
schema_parse(const void *p, size_t len, struct chain *chain, struct schema_file *out)
{
	const uint8_t *b = p;

	*out = (struct schema_file){ 0 };
	if (len < sizeof magic + 4 || memcmp(b, magic, sizeof magic) != 0)
		return ERR_CORRUPT;
	struct reader crc = rd_init(b + len - 4, 4);
	if (rd_le32(&crc) != crc32c(0, b, len - 4))
		return ERR_CORRUPT;
	struct reader r = rd_init(b + sizeof magic, len - sizeof magic - 4);
	int err = parse(&r, out);
	if (err == 0)
		err = chain_link(chain, NULL, b, len, NULL, 0, out->hash);
	if (err != 0)
		schema_free(out);
	return err;
}

static int
schema_path(const char *dir, char path[DISK_PATH_MAX])
{
	return (size_t)snprintf(path, DISK_PATH_MAX, "%s/schema", dir) < DISK_PATH_MAX - 8 ? 0 : ERR_LIMIT;
}

static int
read_file(const struct disk *disk, int fd, struct chain *chain, struct schema_file *out)
{
	struct disk_stat st;

	int err = disk->fstat(disk->ctx, fd, &st);
	if (err != 0)
		return err;
	if (st.size > SCHEMA_FILE_MAX)
		return ERR_CORRUPT;
	uint8_t *p = malloc(st.size > 0 ? (size_t)st.size : 1);
	if (p == NULL)
		return ERR_NOMEM;
	err = disk_read_all(disk, fd, p, (size_t)st.size, 0);
	if (err == 0)
		err = schema_parse(p, (size_t)st.size, chain, out);
	free(p);
	return err;
}

int
schema_read(const char *dir, const struct disk *disk, struct chain *chain, struct schema_file *out)
{
	char path[DISK_PATH_MAX];

	*out = (struct schema_file){ 0 };
	int err = schema_path(dir, path);
	if (err != 0)
		return err;
	int fd = disk->open(disk->ctx, path, DISK_READ);
	if (fd < 0)
		return fd;
	err = read_file(disk, fd, chain, out);
	disk->close(disk->ctx, fd);
	return err;
}

static const char *
text_or_none(const char *s)
{
	return s != NULL ? s : "";
}

static int
check_tags(const struct spool_schema *s, size_t *size)
{
	if (s->n > SPOOL_TAGS_MAX || strlen(s->flow) > SCHEMA_TEXT_MAX)
		return ERR_LIMIT;
	*size = 40 + strlen(s->flow);
	for (uint32_t i = 0; i < s->n; i++) {
		const struct spool_tag *t = &s->tags[i];
		size_t name = strlen(t->name), unit = strlen(text_or_none(t->unit)),
		       help = strlen(text_or_none(t->help));
		if (name > SCHEMA_TEXT_MAX || unit > SCHEMA_TEXT_MAX || help > SCHEMA_TEXT_MAX)
			return ERR_LIMIT;
		if (!value_type_valid(t->type))
			return ERR_TYPE;
		*size += name + unit + help + 6 + 18;
	}
	return *size > SCHEMA_FILE_MAX ? ERR_LIMIT : 0;
}

static void
put_f64(struct writer *w, double v)
{
	uint64_t bits;
	memcpy(&bits, &v, sizeof bits);
	wr_le64(w, bits);
}

static void
put_schema(struct writer *w, const struct spool_schema *s)
{
	wr_bytes(w, magic, sizeof magic);
	wr_le32(w, SPOOL_FORMAT);
	wr_le32(w, s->version);
	wr_le32(w, s->n);
	wr_text(w, s->flow);
	for (uint32_t i = 0; i < s->n; i++) {
		const struct spool_tag *t = &s->tags[i];
		wr_text(w, t->name);
		wr_text(w, text_or_none(t->unit));
		wr_text(w, text_or_none(t->help));
		wr_u8(w, t->type);
		wr_u8(w, t->has_range);
		put_f64(w, t->has_range ? t->lo : 0);
		put_f64(w, t->has_range ? t->hi : 0);
	}
	wr_le32(w, crc32c(0, w->start, wr_len(w)));
}

int
schema_encode(const struct spool_schema *schema, uint8_t **out, size_t *len)
{
	size_t size;

	int err = check_tags(schema, &size);
	if (err != 0)
		return err;
	uint8_t *p = malloc(size);
	if (p == NULL)
		return ERR_NOMEM;
	struct writer w = wr_init(p, size);
	put_schema(&w, schema);
	if (w.err != 0) {
		free(p);
		return w.err;
	}
	*out = p;
	*len = wr_len(&w);
	return 0;
}

int
schema_write(const char *dir, const struct disk *disk, const struct spool_schema *schema)
{
	char path[DISK_PATH_MAX];
	uint8_t *p = NULL;
	size_t len = 0;

	int err = schema_encode(schema, &p, &len);
	if (err == 0)
		err = schema_path(dir, path);
	if (err == 0)
		err = disk_replace(disk, path, p, len);
	free(p);
	return err;
}

bool
schema_same(const struct spool_schema *a, const struct spool_schema *b)
{
	if (a->n != b->n || a->version != b->version)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->tags[i].type != b->tags[i].type || strcmp(a->tags[i].name, b->tags[i].name) != 0)
			return false;
	return true;
}

void
schema_free(struct schema_file *f)
{
	arena_fini(&f->arena);
	*f = (struct schema_file){ 0 };
}
