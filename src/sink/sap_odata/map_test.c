/*
 * Mappings: the ready ones against metadata of the real shape, and what is wrong with others, in words and with its
 * place.
 */
#include "sink/sap_odata/map.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/test.h"
#include "os/file.h"

static struct arena arena;

static struct odata_meta *
metadata(const char *service)
{
	static const char *const four[] = { "measurementdocument", "measuringpoint" };
	char path[300], why[META_WHY_MAX];
	struct buf b = { .max = META_BYTES_MAX };
	struct odata_meta *m = NULL;
	const char *name = strrchr(service, '/') + 1;

	snprintf(path, sizeof path, "test/peers/s4/metadata/%s.xml", name);
	for (size_t i = 0; i < 2; i++)
		if (strstr(service, four[i]) != NULL)
			snprintf(path, sizeof path, "test/peers/s4/metadata/api_%s.xml", four[i]);
	CHECK_INT(file_read(path, META_BYTES_MAX, &b), 0);
	CHECK_INT(odata_meta_parse(buf_text(&b), b.len, &arena, &m, why), 0);
	buf_fini(&b);
	return m;
}

/* Loads one text beside the ready ones; the findings as text. Static. */
static const char *
said(const char *text, struct mapping_set **out)
{
	static char all[8192];
	struct mapping_text v = { "own.yaml", text, strlen(text) };
	struct mapping_set *s = NULL;
	struct site_report r;
	struct findings f;
	struct buf b = { 0 };

	findings_init(&f, &r);
	mapping_load_texts(&v, text[0] != '\0' ? 1 : 0, &f, &s);
	findings_finish(&f);
	site_report_print(&r, false, &b);
	snprintf(all, sizeof all, "%s", buf_text(&b));
	buf_fini(&b);
	site_report_free(&r);
	if (out != NULL)
		*out = s;
	else
		mapping_set_free(s);
	return all;
}

TEST(the_ready_mappings_fit_the_services)
{
	struct mapping_set *s;
	struct site_report r;
	struct findings f;
	struct buf b = { 0 };
	size_t n, wrong = 0;

	CHECK_STR(said("", &s), "");
	findings_init(&f, &r);
	const struct mapping *const *v = mapping_all(s, &n);
	CHECK_INT(n, 20);
	for (size_t i = 0; i < n; i++)
		wrong += mapping_check(v[i], metadata(v[i]->service), &f);
	findings_finish(&f);
	site_report_print(&r, false, &b);
	CHECK_STR(buf_text(&b), "");
	CHECK_INT(wrong, 0);
	buf_fini(&b);
	site_report_free(&r);
	mapping_set_free(s);
	arena_fini(&arena);
}

#define HEAD "mapping: mine\nevent: test-result\nservice: /sap/opu/odata/sap/API_INSPECTIONLOT_SRV\nversion: 2\n"

TEST(a_mapping_of_ones_own_stands_beside_the_ready_ones_or_replaces_one)
{
	struct mapping_set *s;
	CHECK_STR(said(HEAD "create: A_InspectionResult\ndocument: InspectionLot\nfields:\n  InspectionLot: { type: String(12), from: lot }\n", &s), "");
	const struct mapping *m = mapping_find(s, "mine");
	CHECK(m != NULL && m->at.line == 1 && m->at.column == 10);
	CHECK_STR(m->at.file, "own.yaml");
	CHECK_STR(mapping_near(s, "prodution-confirmation"), "production-confirmation");
	mapping_set_free(s);
	said("mapping: usage-decision\nevent: test-result\nservice: /x\nversion: 2\ncreate: Mine\ndocument: A\nfields:\n  A: { type: String(1), value: a }\n", &s);
	CHECK_STR(mapping_find(s, "usage-decision")->set, "Mine");
	mapping_set_free(s);
}

TEST(what_is_wrong_has_its_place_and_its_remedy)
{
	static const struct { const char *text, *place, *says; } wrong[] = {
		{ HEAD "creat: X\n", "own.yaml:5:1:", "did you mean \"create\"" },
		{ HEAD "create: A\ndocument: B\nfields:\n  P: { type: String(4), form: lot }\n", "own.yaml:8:25:",
		    "did you mean \"from\"" },
		{ HEAD "create: A\ndocument: B\nfields:\n  P: { type: Strng, from: lot }\n", "own.yaml:8:14:",
		    "no type of OData" },
		{ HEAD "create: A\ndocument: B\nfields:\n  P: { type: String, from: lot }\n", "own.yaml:8:14:",
		    "needs a length" },
		{ HEAD "create: A\ndocument: B\nfields:\n  P: { type: String(4) }\n", "own.yaml:8:6:",
		    "where the value of P comes from" },
		{ HEAD "create: A\ndocument: B\nfields:\n  P: { type: String(4), from: a, value: b }\n",
		    "own.yaml:8:34:", "two places: from and value" },
		{ HEAD "create: A\ndocument: B\nfields:\n  P: { type: String(4), from: a, pad: 5 }\n",
		    "own.yaml:8:39:", "up to its length" },
		{ HEAD "create: \"A'B\"\ndocument: B\nfields:\n  P: { type: String(4), from: a }\n", "own.yaml:5:9:",
		    "no name of OData" },
		{ HEAD "create: A\ndocument: B\nlookup: { where: [Q] }\nfields:\n  P: { type: String(4), from: a }\n",
		    "own.yaml:7:9:", "not among the fields" },
		{ HEAD "create: A\ndocument: B\nfields:\n  P: { type: String(4), from: a }\nitems:\n  - to: n\n    repeat: 5\n    fields: {}\n", "own.yaml:11:13:", "which field makes one" },
		{ HEAD "call: A\nlookup: { key: [P] }\ndocument: [P]\nfields:\n  P: { type: Boolean, from: x }\n", "own.yaml:", "a call is no set" },
		{ HEAD "create: A\nread: B\n", "own.yaml:1:1:", "one of create, update, call and read" },
		{ HEAD "update: A\ndocument: P\nfields:\n  P: { type: String(4), from: a }\n", "own.yaml:1:1:", "by the key" },
		{ HEAD "update: A\ndocument: P\nlookup: { key: [P], same: [Q] }\nfields:\n  P: { type: String(4), from: a }\n  Q: { type: String(4), from: b }\n",
		    "own.yaml:1:1:", "compares all that it writes" },
		{ HEAD "update: A\ndocument: P\nidentity: { property: I, form: guid }\nlookup: { key: [P] }\nfields:\n  P: { type: String(4), from: a }\n",
		    "own.yaml:7:1:", "a mapping that updates has no key \"identity\"" },
		{ HEAD "read: A\nkey: x\ntags:\n  y: { from: P, type: Int32 }\n", "own.yaml:6:6:", "none of the tags" },
		{ "mapping: mine\nevent: test-results\nservice: /a b\nversion: 3\ncreate: A\ndocument: B\nfields: { P: { type: Boolean, from: x } }\n", "own.yaml:3:10:", "blank" },
		{ "mapping: [\n", "own.yaml:2:1:", "unclosed quote or bracket" },
		{ "\n", "own.yaml:1:1:", "empty" },
	};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		const char *all = said(wrong[i].text, NULL);
		if (strstr(all, wrong[i].place) == NULL || strstr(all, wrong[i].says) == NULL)
			test_fail(__FILE__, __LINE__, "%zu: \"%s\" does not say %s %s", i, all, wrong[i].place,
			    wrong[i].says);
	}
}

static const char *
misfit(const char *text)
{
	static char all[8192];
	struct mapping_set *s;
	struct site_report r;
	struct findings f;
	struct buf b = { 0 };

	CHECK_STR(said(text, &s), "");
	findings_init(&f, &r);
	CHECK(mapping_check(mapping_find(s, "mine"), metadata("/API_INSPECTIONLOT_SRV"), &f) > 0);
	findings_finish(&f);
	site_report_print(&r, false, &b);
	snprintf(all, sizeof all, "%s", buf_text(&b));
	buf_fini(&b);
	site_report_free(&r);
	mapping_set_free(s);
	arena_fini(&arena);
	return all;
}

TEST(a_mapping_that_does_not_fit_its_service_is_told_at_its_row)
{
#define ROW(row) misfit(HEAD "create: A_InspectionResultValue\ndocument: InspectionLot\nfields:\n  " row "\n")
	const char *s = ROW("InspectionResultMeasuredValue: { type: Double, from: value }");
	CHECK(strstr(s, "own.yaml:8:3:") != NULL && strstr(s, "cannot be set") != NULL && strstr(s, "Frmtd") != NULL);
	s = ROW("InspectionLott: { type: String(12), from: lot }");
	CHECK(strstr(s, "did you mean InspectionLot?") != NULL);
	s = ROW("InspectionLot: { type: Int32, from: lot }");
	CHECK(strstr(s, "String(12) in the service, and Int32 in the mapping") != NULL);
	s = ROW("InspectionLot: { type: String(20), from: lot, pad: 18 }");
	CHECK(strstr(s, "pads to 18") != NULL);
	s = misfit(HEAD "create: A_InspectionLot\ndocument: InspectionLot\nfields:\n  Material: { type: String(40), from: m }\n");
	CHECK(strstr(s, "nothing can be created in A_InspectionLot") != NULL);
	s = misfit(HEAD "update: A_InspectionLot\ndocument: InspectionLot\nlookup: { key: [Material] }\nfields:\n  Material: { type: String(40), from: m }\n"
	    "  InspectionLotText: { type: String(40), from: t }\n");
	CHECK(strstr(s, "is no key in the service") != NULL && strstr(s, "has more properties than the mapping's lookup") != NULL);
	s = misfit(HEAD "create: A_InspectionResults\ndocument: InspectionLot\nfields:\n  Material: { type: String(40), from: m }\n");
	CHECK(strstr(s, "did you mean A_InspectionResult?") != NULL);
	s = misfit("mapping: mine\nevent: test-result\nservice: /a\nversion: 4\ncreate: A\ndocument: B\nfields:\n  P: { type: Boolean, from: x }\n");
	CHECK(strstr(s, "speaks OData 2") != NULL);
}

TEST_MAIN
