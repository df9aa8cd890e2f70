/* Any text as a value of any type: refused, or written and read back as the same. The first byte says which type. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "proto/odata/url.h"
#include "proto/odata/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
again(const struct edm_value *v, unsigned version, struct arena *a)
{
	struct buf b = { 0 };
	struct edm_value back;
	char why[ODATA_WHY_MAX];

	if (edm_put_json(&b, version, false, v) == 0) {
		if (!json_valid(buf_text(&b), b.len))
			abort();
		json_t *j = json_loadb(buf_text(&b), b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		/*
		 * Whole numbers past 64 bits are decimals that jansson cannot hold; milliseconds are what /Date() can
		 * say.
		 */
		bool exact = j != NULL && v->type != EDM_DECIMAL && v->ns % 1000000 == 0 && !(v->f != v->f);
		if (exact && (edm_from_json(j, v->type, a, &back, why) != 0 || !edm_same(v, &back)))
			abort();
		json_decref(j);
	}
	buf_reset(&b);
	odata_put_literal(&b, version, v);
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct edm_value v;
	char why[ODATA_WHY_MAX], text[ODATA_DIGITS_MAX + 1];

	if (size == 0)
		return 0;
	enum edm_type t = (enum edm_type)(data[0] % EDM_TYPES);
	const char *s = (const char *)data + 1;
	if (t != EDM_NONE && t != EDM_STREAM && edm_from_text(s, size - 1, t, &a, &v, why) == 0) {
		again(&v, 2, &a);
		again(&v, 4, &a);
	}
	for (int32_t scale = 0; scale < 4; scale++)
		if (decimal_plain(s, size - 1, text) >= 0 && decimal_fit(text, 13, scale,
		    (enum decimal_round)(1 + scale % 3)) == 0) {
			char twice[ODATA_DIGITS_MAX + 1];
			if (decimal_plain(text, strlen(text), twice) < 0 || strcmp(text, twice) != 0 ||
			    decimal_cmp(text, twice) != 0)
				abort();
		}
	arena_fini(&a);
	return 0;
}
