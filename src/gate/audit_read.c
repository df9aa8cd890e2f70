/* Reading and proving the audit log; see audit.h. Each finding says which entry and what was most likely done to it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "gate/audit_files.h"
#include "spool/chain.h"

#define FINDINGS_MAX 100u

struct walking {
	int	(*each)(void *arg, const struct audit_place *at, const struct audit_line *l, const char *text,
	    size_t len);
	void	*arg;
	const char *file;
};

static int
walk_line(void *arg, size_t line, const char *text, size_t len, bool ended)
{
	struct walking *w = arg;
	struct audit_place at = { w->file, line };
	struct audit_line l;

	/* Without an end it may be in the middle of being written. */
	bool good = ended && audit_line_parse(text, len, &l) == 0;
	return w->each(w->arg, &at, good ? &l : NULL, text, len);
}

int
audit_walk(const char *dir, const struct disk *disk,
    int (*each)(void *arg, const struct audit_place *at, const struct audit_line *l, const char *text, size_t len),
        void *arg)
{
	struct audit_files files;
	struct buf text = { 0 };

	int err = audit_files_find(dir, disk, &files);
	if (err == 0 && files.n == 0)
		err = ERR_NOTFOUND;
	for (size_t i = 0; i < files.n && err == 0; i++) {
		struct walking w = { each, arg, files.v[i] };
		err = audit_file_read(dir, disk, files.v[i], &text);
		if (err == 0)
			err = audit_lines(buf_text(&text), text.len, walk_line, &w);
	}
	buf_fini(&text);
	free(files.v);
	return err;
}

struct proof {
	struct chain		 chain;
	struct audit_verdict	*out;
	struct buf		*findings;
	bool			 known;		/* out->hash is that of the entry before */
	uint64_t		 anchor;	/* 0: none */
	uint8_t			 anchor_hash[AUDIT_HASH];
	bool			 anchor_seen;
};

static void
finding(struct proof *p, const struct audit_place *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void
finding(struct proof *p, const struct audit_place *at, const char *fmt, ...)
{
	va_list ap;

	if (p->out->findings++ >= FINDINGS_MAX)
		return;
	if (at != NULL)
		buf_printf(p->findings, "%s:%zu: ", at->file, at->line);
	va_start(ap, fmt);
	buf_vprintf(p->findings, fmt, ap);
	va_end(ap);
	buf_putc(p->findings, '\n');
}

/* Is it the entry that must follow? Says so when not. */
static void
check_number(struct proof *p, const struct audit_place *at, const struct audit_line *l)
{
	unsigned long long want = p->out->last + 1, is = l->number;

	if (is == want)
		return;
	if (p->out->last == 0)
		finding(p, at, "the log begins with entry %llu: entries 1 to %llu are not here (removed, or kept "
		    "elsewhere)", is, is - 1);
	else if (is > want && is - want == 1)
		finding(p, at, "entry %llu is missing: it was removed, or stands in another place", want);
	else if (is > want)
		finding(p, at, "entries %llu to %llu are missing: they were removed, or stand in another place", want,
		    is - 1);
	else
		finding(p, at, "entry %llu stands behind entry %llu: it was moved, or is there twice", is, want - 1);
	p->known = false;	/* of this one only its own words can be looked at */
}

static int
prove_line(void *arg, const struct audit_place *at, const struct audit_line *l, const char *text, size_t len)
{
	struct proof *p = arg;
	uint8_t want[AUDIT_HASH];
	(void)text;

	if (l == NULL) {
		finding(p, at, "%zu bytes that are no entry: entry %llu was changed, or torn by a power cut and "
		    "penstock has not run since", len,
		    (unsigned long long)p->out->last + 1);
		p->known = false;
		p->out->last += p->out->last != 0;
		return 0;
	}
	check_number(p, at, l);
	if (p->known && chain_link(&p->chain, p->out->hash, l->body, l->body_len, NULL, 0, want) != 0)
		return ERR_NOMEM;
	if (p->known && memcmp(want, l->hash, AUDIT_HASH) != 0)
		finding(p, at, "entry %llu does not fit its hash and the entry before it: one of the two was changed",
		    (unsigned long long)l->number);
	if (l->number == p->anchor) {
		p->anchor_seen = true;
		if (memcmp(l->hash, p->anchor_hash, AUDIT_HASH) != 0)
			finding(p, at, "entry %llu is not the one of the anchor: the log was written anew",
			    (unsigned long long)l->number);
	}
	p->out->entries++;
	p->out->first = p->out->first != 0 ? p->out->first : l->number;
	p->out->last = l->number > p->out->last ? l->number : p->out->last;
	memcpy(p->out->hash, l->hash, AUDIT_HASH);
	p->known = true;
	return 0;
}

static int
anchor_parse(struct proof *p, const char *text)
{
	struct audit_line l;
	char line[200];
	const char *colon = strchr(text, ':');

	/* A whole line around it, so that there is one place where hashes are read. */
	if (colon == NULL || (size_t)snprintf(line, sizeof line, "%s %.*s 2000-01-01T00:00:00Z begin 0 - {}", colon + 1,
	    (int)(colon - text), text) >= sizeof line || audit_line_parse(line, strlen(line), &l) != 0)
		return ERR_SYNTAX;
	p->anchor = l.number;
	memcpy(p->anchor_hash, l.hash, AUDIT_HASH);
	return 0;
}

int
audit_verify(const char *dir, const struct disk *disk, const char *anchor, struct audit_verdict *out,
    struct buf *findings)
{
	struct proof p = { .out = out, .findings = findings, .known = true };

	*out = (struct audit_verdict){ 0 };
	int err = anchor != NULL ? anchor_parse(&p, anchor) : 0;
	if (err == 0)
		err = chain_init(&p.chain);
	if (err == 0)
		err = audit_walk(dir, disk, prove_line, &p);
	chain_fini(&p.chain);
	if (err != 0)
		return err;
	if (p.anchor != 0 && !p.anchor_seen)
		finding(&p, NULL, "entry %llu of the anchor is not in the log, which ends with entry %llu: its end was "
		    "cut off",
		    (unsigned long long)p.anchor, (unsigned long long)out->last);
	if (out->findings > FINDINGS_MAX)
		buf_printf(findings, "and %llu more\n", (unsigned long long)(out->findings - FINDINGS_MAX));
	return out->findings > 0 ? ERR_CORRUPT : 0;
}
