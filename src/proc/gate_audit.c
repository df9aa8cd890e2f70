/* See gate_audit.h. */
#include "proc/gate_audit.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/json.h"
#include "model/request.h"

#define WHAT_MAX (48u << 10)

int
gate_audit_read(const void *p, size_t len, uint64_t *number, struct buf *json)
{
	static char what[WHAT_MAX + 1];
	char sink[REQUEST_NAME_MAX + 1], who[REQUEST_NAME_MAX + 1];
	struct reader r = rd_init(p, len);
	struct json j = { .out = json };

	*number = rd_le64(&r);
	rd_text(&r, sink, REQUEST_NAME_MAX);
	rd_text(&r, who, REQUEST_NAME_MAX);
	size_t n = rd_text(&r, what, WHAT_MAX);
	int err = rd_end(&r);
	if (err != 0)
		return err;
	if (what[0] != '{' || !json_valid(what, n))
		return ERR_SYNTAX;
	json_open(&j, '{');
	json_key_text(&j, "sink", sink);
	json_key_text(&j, "from", "cli");
	json_key_text(&j, "user", who);
	json_key(&j, "change");
	json_raw(&j, what, n);
	json_close(&j, '}');
	return 0;
}
