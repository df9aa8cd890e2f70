/* A report for people and for programs; see site.h. */
#include "base/json.h"
#include "site/site.h"

static const char *const severities[] = { [FINDING_ERROR] = "error", [FINDING_WARNING] = "warning" };

static void
print_json(const struct site_report *r, struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, '[');
	for (size_t i = 0; i < r->n; i++) {
		const struct finding *f = &r->findings[i];
		json_open(&j, '{');
		json_key_text(&j, "severity", severities[f->severity]);
		json_key_text(&j, "rule", f->rule);
		json_key_text(&j, "file", f->place.file);
		json_key_i64(&j, "line", f->place.line);
		json_key_i64(&j, "column", f->place.column);
		json_key_text(&j, "cause", f->cause);
		json_key_text(&j, "remedy", f->remedy);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	buf_putc(out, '\n');
}

void
site_report_print(const struct site_report *r, bool json, struct buf *out)
{
	if (json) {
		print_json(r, out);
		return;
	}
	for (size_t i = 0; i < r->n; i++) {
		const struct finding *f = &r->findings[i];
		buf_puts(out, f->place.file);
		if (f->place.line > 0)
			buf_printf(out, ":%d", f->place.line);
		if (f->place.line > 0 && f->place.column > 0)
			buf_printf(out, ":%d", f->place.column);
		buf_printf(out, ": %s: %s\n", severities[f->severity], f->cause);
		buf_printf(out, "    %s [%s]\n", f->remedy, f->rule);
	}
	if (r->left_out > 0)
		buf_printf(out, "and %zu more, not shown: mend these first\n", r->left_out);
}

void
site_report_free(struct site_report *r)
{
	arena_fini(&r->arena);
	*r = (struct site_report){ 0 };
}
