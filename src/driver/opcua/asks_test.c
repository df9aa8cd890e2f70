/* Asks of the engine, on the rig: what is asked first is sent first. */
#include "driver/opcua/asks.h"

#include "base/err.h"
#include "driver/opcua/data_rig.h"

static uint32_t ended;		/* asks that are done */

void ua_out_done(struct ua_agent *a, uint32_t id, int err, const char *why) { (void)a; (void)id; (void)err; (void)why; ended++; }
void ua_out_result(struct ua_agent *a, uint32_t id, uint32_t i, const struct value *v) { (void)a; (void)id; (void)i; (void)v; }

void
ua_out_sample(struct ua_agent *a, uint32_t tag, uint32_t status, const struct value *v, struct wall source, struct wall server,
    struct wall arrival, uint8_t flags)
{
	(void)a, (void)tag, (void)status, (void)v, (void)source, (void)server, (void)arrival, (void)flags;
}

/* Values themselves are ua_value_test.c's. */
int
ua_value_plain(struct ua_agent *a, const UA_Variant *v, struct arena *scratch, struct value *out, const char **why)
{
	(void)a, (void)v, (void)scratch, (void)out, (void)why;
	return ERR_TYPE;
}

int
ua_value_to(struct ua_agent *a, const struct ua_target *t, const struct value *v, UA_Variant *out, const char **why)
{
	(void)a, (void)t, (void)v, (void)out, (void)why;
	return ERR_TYPE;
}

/* Two writes to a node come with one turn of the loop, or wait together for a free call: the later one must be the later one. */
TEST(what_is_asked_first_is_sent_first)
{
	static const uint32_t tags[] = { 0, 1, 2 };
	static struct value v = { .type = VALUE_F64, .f64 = 1 };
	struct ua_ask asks[3];

	rig_open(3);
	rig_start();
	rig_up();
	CHECK_INT(ua_asks_init(&rig.a), 0);
	for (uint32_t i = 0; i < 3; i++) {
		asks[i] = (struct ua_ask){ .kind = UA_ASK_WRITE, .id = i, .tags = &tags[i], .ntags = 1, .args = &v, .nargs = 1,
			.deadline = MONO_NEVER };
		CHECK(ua_asks_ask(&rig.a, &asks[i]));
	}
	ua_asks_tick(&rig.a, rig.a.now);
	for (uint32_t i = 0; i < 3; i++) {
		struct rig_call *c = rig_call_of(UA_TYPES_READREQUEST);
		CHECK(c != NULL);
		const UA_String *s = &((const UA_ReadRequest *)c->request)->nodesToRead[0].nodeId.identifier.string;
		CHECK(s->length == 4 && s->data[3] == '0' + i);
		rig_end(c, UA_STATUSCODE_BADNOTREADABLE, NULL);
	}
	CHECK_INT(ended, 3);
	ua_asks_down(&rig.a, rig.a.now, "");
	ua_asks_fini(&rig.a);
	rig_close();
}

TEST_MAIN
