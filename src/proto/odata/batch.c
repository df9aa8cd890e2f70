/* See batch.h: building. */
#include "proto/odata/batch.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static void
fail(struct odata_batch *b, int err)
{
	if (b->err == 0)
		b->err = err;
}

void
odata_batch_begin(struct odata_batch *b, struct buf *out, const char *seed)
{
	size_t n = strlen(seed);

	*b = (struct odata_batch){ .out = out };
	if (n == 0 || n > 40)
		fail(b, ERR_SYNTAX);
	for (const char *s = seed; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && *s != '-')
			fail(b, ERR_SYNTAX);
	snprintf(b->boundary, sizeof b->boundary, "batch_%.40s", seed);
	snprintf(b->type, sizeof b->type, "multipart/mixed; boundary=%s", b->boundary);
}

/*
 * The boundary of a change set must not begin as that of the whole does: a line that begins with a boundary is one (RFC
 * 2046, 5.1.1).
 */
static void
close_set(struct odata_batch *b)
{
	if (b->set != 0)
		buf_printf(b->out, "--set%u_%s--\r\n", b->set, b->boundary);
	b->set = 0;
}

/* Begin a change set's part, or go on in the one that is open. */
static void
open_set(struct odata_batch *b, unsigned set)
{
	if (b->set != set) {
		close_set(b);
		if (set != 0)
			buf_printf(b->out, "--%s\r\nContent-Type: multipart/mixed; boundary=set%u_%s\r\n\r\n",
			    b->boundary, set, b->boundary);
		b->set = set;
	}
	if (set != 0)
		buf_printf(b->out, "--set%u_%s\r\n", set, b->boundary);
	else
		buf_printf(b->out, "--%s\r\n", b->boundary);
}

/* What would end a line or a header early has no place in one. */
static bool
one_line(const char *s)
{
	for (; s != NULL && *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

static bool
has_boundary(const struct odata_batch *b, const struct odata_op *op)
{
	return op->body != NULL && op->len > 0 && memmem(op->body, op->len, b->boundary, strlen(b->boundary)) != NULL;
}

void
odata_batch_put(struct odata_batch *b, const struct odata_op *op)
{
	if (!one_line(op->path) || strchr(op->path, ' ') != NULL || !one_line(op->method) ||
	    !one_line(op->content_id) || !one_line(op->if_match) ||
	    has_boundary(b, op))
		fail(b, ERR_SYNTAX);
	if (b->err != 0)
		return;
	open_set(b, op->set);
	buf_puts(b->out, "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n");
	if (op->content_id != NULL)
		buf_printf(b->out, "Content-ID: %s\r\n", op->content_id);
	buf_printf(b->out, "\r\n%s %s HTTP/1.1\r\nAccept: application/json\r\n", op->method, op->path);
	/* Also within the request: where SAP's servers and others look for it. */
	if (op->content_id != NULL)
		buf_printf(b->out, "Content-ID: %s\r\n", op->content_id);
	if (op->if_match != NULL)
		buf_printf(b->out, "If-Match: %s\r\n", op->if_match);
	if (op->headers != NULL)
		buf_puts(b->out, op->headers);
	if (op->body != NULL)
		buf_printf(b->out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", op->len);
	buf_puts(b->out, "\r\n");
	if (op->body != NULL)
		buf_put(b->out, op->body, op->len);
	buf_puts(b->out, "\r\n");
}

int
odata_batch_end(struct odata_batch *b)
{
	close_set(b);
	buf_printf(b->out, "--%s--\r\n", b->boundary);
	return b->err != 0 ? b->err : b->out->err;
}
