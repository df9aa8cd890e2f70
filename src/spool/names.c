/* See names.h. */
#include "spool/names.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"

static bool
plain(char c, bool leading)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	    (c == '.' && !leading);
}

int
name_stream(const char *flow, uint32_t schema, char out[NAME_DIR_MAX])
{
	size_t n = 0;

	for (const char *c = flow; *c != '\0'; c++) {
		if (n + 3 + sizeof "@00000000" > NAME_DIR_MAX)
			return ERR_LIMIT;
		if (plain(*c, c == flow))
			out[n++] = *c;
		else
			n += (size_t)snprintf(out + n, 4, "%%%02X", (unsigned char)*c);
	}
	snprintf(out + n, NAME_DIR_MAX - n, "@%08x", (unsigned)schema);
	return n > 0 ? 0 : ERR_SYNTAX;
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'a' && c <= 'f'  ? c - 'a' + 10
	    : c >= 'A' && c <= 'F'  ? c - 'A' + 10
				    : -1;
}

bool
name_stream_parse(const char *name, char flow[NAME_DIR_MAX], uint32_t *schema)
{
	const char *at = strrchr(name, '@');
	size_t n = 0;

	if (at == NULL || at == name || strlen(at) != 9 || at - name >= (long)NAME_DIR_MAX)
		return false;
	*schema = 0;
	for (const char *c = at + 1; *c != '\0'; c++) {
		if (hex_digit(*c) < 0)
			return false;
		*schema = *schema << 4 | (uint32_t)hex_digit(*c);
	}
	for (const char *c = name; c < at; c++) {
		if (*c != '%') {
			flow[n++] = *c;
			continue;
		}
		if (at - c < 3 || hex_digit(c[1]) < 0 || hex_digit(c[2]) < 0)
			return false;
		flow[n++] = (char)(hex_digit(c[1]) << 4 | hex_digit(c[2]));
		c += 2;
	}
	flow[n] = '\0';
	/* One name a stream: what we would not have written ourselves is a foreign directory. */
	char again[NAME_DIR_MAX];
	return name_stream(flow, *schema, again) == 0 && strcmp(again, name) == 0;
}

int
name_segment(const char *dir, uint64_t first, const char *suffix, char out[DISK_PATH_MAX])
{
	int n = snprintf(out, DISK_PATH_MAX, "%s/%020llu%s", dir, (unsigned long long)first, suffix);
	return n < (int)DISK_PATH_MAX ? 0 : ERR_LIMIT;
}

bool
name_segment_parse(const char *name, uint64_t *first)
{
	for (int i = 0; i < 20; i++)
		if (name[i] < '0' || name[i] > '9')
			return false;
	return strcmp(name + 20, ".seg") == 0 && num_parse_u64(name, 20, first) == 0 && *first > 0;
}

static int
add_segment(void *arg, const char *name)
{
	struct segment_list *l = arg;
	uint64_t first;

	if (!name_segment_parse(name, &first))
		return 0;
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 16 : l->cap * 2;
		uint64_t *p = realloc(l->first, cap * sizeof *p);
		if (p == NULL)
			return ERR_NOMEM;
		l->first = p;
		l->cap = cap;
	}
	l->first[l->n++] = first;	/* sorted by name is sorted by number */
	return 0;
}

int
segment_list(const char *dir, const struct disk *disk, struct segment_list *out)
{
	out->n = 0;
	return disk->list(disk->ctx, dir, add_segment, out);
}
