/* Metadata of the shapes that SAP and others write, and what hostile ones make of it. */
#include "proto/odata/meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/test.h"
#include "os/file.h"

static struct arena arena;
static char why[META_WHY_MAX];

static struct odata_meta *
load(const char *name)
{
	char path[200];
	struct buf b = { .max = META_BYTES_MAX };
	struct odata_meta *m = NULL;

	snprintf(path, sizeof path, "test/peers/s4/metadata/%s.xml", name);
	CHECK_INT(file_read(path, META_BYTES_MAX, &b), 0);
	int err = odata_meta_parse(buf_text(&b), b.len, &arena, &m, why);
	buf_fini(&b);
	CHECK_STR(why, "");
	CHECK_INT(err, 0);
	return m;
}

static int
refused(const char *xml)
{
	struct odata_meta *m;
	int err = odata_meta_parse(xml, strlen(xml), &arena, &m, why);
	CHECK(m == NULL);
	CHECK(err != 0 && why[0] != '\0');
	return err;
}

TEST(version_2_types_lengths_and_annotations)
{
	struct odata_meta *m = load("API_PROD_ORDER_CONFIRMATION_2_SRV");
	char text[META_TYPE_TEXT];

	CHECK_INT(m->version, 2);
	CHECK_STR(m->space, "API_PROD_ORDER_CONFIRMATION_2_SRV");
	const struct odata_set *s = odata_set(m, "ProdnOrdConf2");
	CHECK(s != NULL && s->creatable && !s->updatable && !s->deletable);
	const struct odata_prop *p = odata_prop(s->type, "ConfirmationYieldQuantity");
	CHECK(p != NULL && p->creatable && p->nullable);
	CHECK_STR(odata_type_text(p, text), "Decimal(13,3)");
	CHECK_STR(p->unit, "ConfirmationUnit");
	CHECK(odata_prop(s->type, "ConfirmationCount")->key && !odata_prop(s->type, "ConfirmationCount")->creatable);
	CHECK_INT(odata_prop(s->type, "OrderID")->facets.max_length, 12);
	CHECK(odata_prop(s->type, "PostingDate")->date_only);
	CHECK_INT(odata_prop(s->type, "ExternalSystemConfirmation")->type, EDM_GUID);
	const struct odata_nav *n = odata_nav(s->type, "to_ProdnOrdConfMatlDocItm");
	CHECK(n != NULL && n->many && n->to != NULL);
	CHECK(odata_prop(n->to, "GoodsMovementType") != NULL);
	CHECK_STR(odata_prop_near(s->type, "ConfirmationYieldQantity"), "ConfirmationYieldQuantity");
	const struct odata_function *f = odata_function(m, "CancelProdnOrdConf");
	CHECK(f != NULL && f->nparams == 5);
	CHECK_STR(f->method, "POST");
	arena_fini(&arena);
}

TEST(version_4_types_and_vocabularies)
{
	struct odata_meta *m = load("api_measurementdocument");
	const struct odata_set *s = odata_set(m, "MeasurementDocument");

	CHECK_INT(m->version, 4);
	CHECK(s->creatable && !s->updatable && !s->deletable);
	CHECK(!odata_set(m, "FailedMeasurementReading")->creatable);
	CHECK(!odata_prop(s->type, "MeasurementDocument")->creatable);
	CHECK(!odata_prop(s->type, "MsmtRdngStatus")->creatable);
	CHECK(odata_prop(s->type, "MeasurementReadingInEntryUoM")->creatable);
	CHECK_INT(odata_prop(s->type, "MsmtRdngDate")->type, EDM_DATE);
	CHECK(odata_prop(s->type, "MsmtRdngDate")->date_only);
	CHECK(!odata_nav(s->type, "_MsmtDocumentLongText")->many);
	CHECK(odata_nav(s->type, "_MsmtDocumentLongText")->to == odata_set(m, "MsmtDocumentLongText")->type);
	arena_fini(&arena);
}

TEST(all_metadata_of_the_peers_is_understood)
{
	static const char *const all[] = { "API_BATCH_SRV", "API_EQUIPMENT", "API_INSPECTIONLOT_SRV",
	    "API_MAINTNOTIFICATION", "API_MATERIAL_DOCUMENT_SRV",
		"API_PROCESS_ORDER_2_SRV", "API_PROC_ORDER_CONFIRMATION_2_SRV", "API_PRODUCTION_ORDER_2_SRV" };
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		CHECK(load(all[i])->nsets > 0);
	arena_fini(&arena);
}

#define EDMX2 "<edmx:Edmx Version=\"1.0\" xmlns:edmx=\"http://schemas.microsoft.com/ado/2007/06/edmx\"><edmx:DataServices>" \
	"<Schema Namespace=\"S\" xmlns=\"http://schemas.microsoft.com/ado/2008/09/edm\">"
#define END "</Schema></edmx:DataServices></edmx:Edmx>"
#define SET "<EntityContainer Name=\"C\"><EntitySet Name=\"A\" EntityType=\"S.T\"/></EntityContainer>"

TEST(a_document_type_is_refused_before_it_is_read)
{
	CHECK_INT(refused("<!DOCTYPE a [<!ENTITY x \"lol\"><!ENTITY y \"&x;&x;&x;&x;\">]><a>&y;</a>"), ERR_SYNTAX);
	CHECK(strstr(why, "document type") != NULL);
	CHECK_INT(refused("<!DOCTYPE a SYSTEM \"file:///etc/passwd\">" EDMX2 END), ERR_SYNTAX);
	CHECK_INT(refused("<?xml version=\"1.0\" encoding=\"UTF-7\"?>+ADwAIQ-DOCTYPE a+AD4-<a/>"), ERR_SYNTAX);
	CHECK_INT(refused(EDMX2 "<EntityType Name=\"&x;\"/>" END), ERR_SYNTAX);
	arena_fini(&arena);
}

TEST(what_is_no_metadata_says_so_with_its_line)
{
	CHECK_INT(refused("<html><head><title>Logon</title></head></html>"), ERR_SYNTAX);
	CHECK(strstr(why, "line 1: ") == why && strstr(why, "<html>") != NULL);
	CHECK_INT(refused(""), ERR_SYNTAX);
	CHECK_INT(refused("\n\n<edmx:Edmx"), ERR_SYNTAX);
	CHECK_INT(refused("<Edmx Version=\"3.0\"/>"), ERR_VERSION);
	CHECK_INT(refused("\xff\xfe<\0"), ERR_SYNTAX);
	CHECK_INT(refused(EDMX2 "<EntityType Name=\"T\"/>" END), ERR_SYNTAX);	/* no set */
	arena_fini(&arena);
}

TEST(hostile_names_twins_and_circles_are_refused)
{
	CHECK_INT(refused(EDMX2 "<EntityType Name=\"T&quot;,&quot;x\"/>" END), ERR_SYNTAX);
	CHECK_INT(refused(EDMX2 "<EntityType Name=\"T\"><Property Name=\"a'b\" Type=\"Edm.String\"/></EntityType>" SET END), ERR_SYNTAX);
	CHECK_INT(refused(EDMX2 "<EntityType Name=\"T\"/><EntityType Name=\"T\"/>" SET END), ERR_SYNTAX);
	CHECK_INT(refused(EDMX2 "<EntityType Name=\"T\"><Property Name=\"a\" Type=\"Edm.String\"/><Property Name=\"a\" Type=\"Edm.Int32\"/></EntityType>" SET
	    END), ERR_SYNTAX);
	CHECK_INT(refused(EDMX2 "<EntityType Name=\"T\"/><EntityContainer Name=\"C\"><EntitySet Name=\"A\" EntityType=\"S.T\"/><EntitySet Name=\"A\" "
	    "EntityType=\"S.T\"/></EntityContainer>" END), ERR_SYNTAX);
	CHECK_INT(refused(EDMX2 "<EntityType Name=\"T\" BaseType=\"S.U\"/><EntityType Name=\"U\" BaseType=\"S.T\"/>" SET END), ERR_LIMIT);
	CHECK_INT(refused(EDMX2 "<EntityType Name=\"T\" BaseType=\"S.T\"/>" SET END), ERR_LIMIT);
	CHECK_INT(refused(EDMX2 "<EntityType Name=\"T\"><Key><PropertyRef Name=\"x\"/></Key></EntityType>" SET END),
	    ERR_SYNTAX);
	CHECK_INT(refused(EDMX2 SET END), ERR_SYNTAX);
	arena_fini(&arena);
}

TEST(depth_size_and_number_have_limits)
{
	struct buf b = { .max = 64u << 20 };
	struct odata_meta *m;

	buf_puts(&b, EDMX2);
	for (int i = 0; i < 100000; i++)
		buf_puts(&b, "<x>");
	CHECK_INT(odata_meta_parse(buf_text(&b), b.len, &arena, &m, why), ERR_LIMIT);
	CHECK(strstr(why, "deep") != NULL);

	buf_reset(&b);
	buf_puts(&b, EDMX2);
	for (int i = 0; i < 250000; i++)
		buf_printf(&b, "<ComplexType Name=\"c%d\"/>", i);
	CHECK_INT(odata_meta_parse(buf_text(&b), b.len, &arena, &m, why), ERR_LIMIT);

	/* Each attribute is held against each: 200,000 of them took a minute. */
	buf_reset(&b);
	buf_puts(&b, EDMX2 "<EntityType Name=\"T\"");
	for (int i = 0; i < 200000; i++)
		buf_printf(&b, " a%d='>'", i);
	buf_puts(&b, "/>" SET END);
	CHECK_INT(odata_meta_parse(buf_text(&b), b.len, &arena, &m, why), ERR_LIMIT);
	CHECK(strstr(why, "attributes") != NULL);

	/* As did as many different names. */
	buf_reset(&b);
	buf_puts(&b, EDMX2 "<EntityType Name=\"T\"/>");
	for (int i = 0; i < 300000; i++)
		buf_printf(&b, "<x xmlns:a%d='u%d'/>", i, i);
	buf_puts(&b, SET END);
	CHECK(odata_meta_parse(buf_text(&b), b.len, &arena, &m, why) != 0);
	buf_reset(&b);
	buf_puts(&b, EDMX2 "<EntityType Name=\"T\"/>");
	for (int i = 0; i < 300000; i++)
		buf_printf(&b, "<x%d/>", i);
	buf_puts(&b, SET END);
	CHECK_INT(odata_meta_parse(buf_text(&b), b.len, &arena, &m, why), ERR_LIMIT);
	CHECK(strstr(why, "different names") != NULL);

	buf_reset(&b);
	CHECK(buf_room(&b, META_BYTES_MAX + 1) != NULL);
	memset(b.p, ' ', META_BYTES_MAX + 1);
	CHECK_INT(odata_meta_parse(b.p, META_BYTES_MAX + 1, &arena, &m, why), ERR_LIMIT);
	buf_fini(&b);
	arena_fini(&arena);
}

TEST(a_complex_type_may_hold_itself)
{
	struct odata_meta *m;
	static const char xml[] = EDMX2 "<EntityType Name=\"T\"><Property Name=\"c\" Type=\"S.K\"/></EntityType>"
	    "<ComplexType Name=\"K\"><Property Name=\"k\" Type=\"S.K\"/></ComplexType>" SET END;
	CHECK_INT(odata_meta_parse(xml, sizeof xml - 1, &arena, &m, why), 0);
	const struct odata_prop *p = odata_prop(odata_set(m, "A")->type, "c");
	CHECK(p->type == EDM_NONE && p->record != NULL && p->record->props[0].record == p->record);
	arena_fini(&arena);
}

TEST_MAIN
