/* Any text as a mapping: findings, or one that can be checked, make messages and read. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sink/sap_odata/map_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define XML "<Edmx Version=\"1.0\"><DataServices><Schema Namespace=\"S\"><EntityType Name=\"T\"><Property Name=\"A\" Type=\"Edm.String\" MaxLength=\"4\"/>" \
	"<Property Name=\"B\" Type=\"Edm.Decimal\" Precision=\"13\" Scale=\"3\"/></EntityType><EntityContainer Name=\"C\">" \
	"<EntitySet Name=\"A\" EntityType=\"S.T\"/></EntityContainer></Schema></DataServices></Edmx>"
#define JSON "{\"id\":\"6f1c2d3e-4a5b-5c6d-8e7f-0a1b2c3d4e5f\",\"event\":\"a/b\",\"type\":\"%s\",\"key\":\"k\",\"no\":1,\"time\":\"2026-11-22T23:30:00Z\"," \
	"\"fields\":{\"a\":\"text\",\"b\":12.5,\"c\":null,\"d\":true,\"x-1\":1},\"units\":{\"b\":\"kg\"}}"

static void
on_row(void *arg, const struct read_row *r)
{
	(void)arg, (void)r;
}

static void
use(const struct mapping *m, const struct odata_meta *meta, struct findings *f, struct arena *a)
{
	static const char answer[] = "{\"value\":[{\"A\":\"x\",\"B\":1}]}";
	struct message msg;
	struct fault why;
	struct read_page page;
	struct buf path = { .max = 1 << 20 };
	char text[400];

	mapping_check(m, meta, f);
	if (m->reading != NULL) {
		read_path(m, NULL, "20261122", &path, text, sizeof text);
		read_rows(m, answer, sizeof answer - 1, on_row, NULL, &page);
	} else {
		const char *event = arena_printf(a, JSON, m->event);
		if (message_build(m, meta, NULL, event, strlen(event), a, &msg, &why) == 0) {
			if (msg.len > 0 && !json_valid(msg.body, msg.len))
				abort();
			message_document(m, &msg, answer, sizeof answer - 1, text, sizeof text, NULL);
			message_follow(m, answer, sizeof answer - 1, text, sizeof text);
		} else if (why.code[0] == '\0')
			abort();
	}
	buf_fini(&path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct odata_meta *meta;
	struct arena a = { 0 };
	struct site_report r;
	struct findings f;
	char why[META_WHY_MAX];

	if (odata_meta_parse(XML, sizeof XML - 1, &a, &meta, why) != 0)
		abort();
	findings_init(&f, &r);
	const struct mapping *m = map_file_read(&a, &f, "own.yaml", (const char *)data, size);
	if (m != NULL)
		use(m, meta, &f, &a);
	findings_finish(&f);
	site_report_free(&r);
	arena_fini(&a);
	return 0;
}
