/* How tags become devices and metrics, what survives a change of the streams, and when a device is away. */
#include <string.h>

#include "base/test.h"
#include "model/status.h"
#include "sink/sparkplug/sp_node.h"

static struct source sources[] = { { .name = "filler-plc" }, { .name = "capper-plc" } };
static struct plan plan = { .sources = sources, .nsources = 2 };
static struct spool_tag tags[] = {
	{ .name = "Packaging/Line 3/Filler/speed", .type = VALUE_F32, .unit = "/min", .has_range = true, .hi = 1200 },
	{ .name = "Packaging/Line 3/Filler/state", .type = VALUE_U16 },
	{ .name = "Packaging/Line 3/Capper/speed", .type = VALUE_F32 },
};
static struct flow_tag flow_tags[] = { { 0, 0, NULL }, { 0, 1, NULL }, { 1, 0, NULL } };
static struct flow flow = { .name = "f", .tags = flow_tags, .ntags = 3 };
static struct spool_schema schema = { .flow = "f", .version = 1, .tags = tags, .n = 3 };
static struct sink_stream present = { .flow = "f", .schema = &schema, .plan_flow = &flow, .plan = &plan };

static struct spool_tag old_tags[] = {
	{ .name = "Packaging/Line 3/Filler/speed", .type = VALUE_F32 },
	{ .name = "Packaging/Line 3/Filler/state", .type = VALUE_U8 },
};
static struct spool_schema old_schema = { .flow = "f", .tags = old_tags, .n = 2 };
static struct sink_stream former = { .flow = "f", .schema = &old_schema, .plan = &plan };

static void
build(struct sp_node *n, enum sp_devices devices, uint32_t depth, struct sp_stream *streams, struct sp_node *old)
{
	struct sp_cfg cfg = { .devices = devices, .depth = depth };
	sp_node_build(n, &cfg, "g", "e", streams, old);
}

TEST(a_device_is_a_source_and_its_metrics_are_whole_paths)
{
	struct sp_stream st = { .s = &present };
	struct sp_node n;

	build(&n, SP_BY_SOURCE, 0, &st, NULL);
	CHECK_INT(n.ndevices, 3);
	CHECK_STR(n.devices[1].id, "filler-plc");
	CHECK_INT(n.devices[1].n, 2);
	CHECK_STR(n.devices[2].data_topic, "spBv1.0/g/DDATA/e/capper-plc");
	CHECK_STR(n.metrics[st.metrics[0]].name, "Packaging/Line 3/Filler/speed");
	CHECK_INT(n.metrics[st.metrics[2]].alias, 3);
	sp_node_fini(&n);
}

TEST(a_device_is_an_equipment_path_or_its_first_names)
{
	struct sp_stream st = { .s = &present };
	struct sp_node n;

	build(&n, SP_BY_EQUIPMENT, 0, &st, NULL);
	CHECK_INT(n.ndevices, 3);
	CHECK_STR(n.devices[2].id, "Packaging.Line 3.Capper");
	CHECK_STR(n.metrics[st.metrics[1]].name, "state");
	sp_node_fini(&n);
	build(&n, SP_BY_EQUIPMENT, 2, &st, NULL);
	CHECK_INT(n.ndevices, 2);
	CHECK_STR(n.devices[1].id, "Packaging.Line 3");
	CHECK_STR(n.metrics[st.metrics[1]].name, "Filler/state");
	sp_node_fini(&n);
}

TEST(without_devices_all_metrics_are_the_nodes)
{
	struct sp_stream st = { .s = &present };
	struct sp_node n;

	build(&n, SP_BY_NODE, 0, &st, NULL);
	CHECK_INT(n.ndevices, 1);
	CHECK_INT(n.devices[0].n, 3);
	CHECK_STR(n.devices[0].data_topic, "spBv1.0/g/NDATA/e");
	sp_node_fini(&n);
}

TEST(an_older_type_of_a_tag_has_a_name_of_its_own)
{
	struct sp_stream now = { .s = &present }, before = { .s = &former, .next = &now };
	struct sp_node n;

	build(&n, SP_BY_NODE, 0, &before, NULL);
	CHECK_INT(n.nmetrics, 4);
	CHECK_INT(before.metrics[0], now.metrics[0]);
	CHECK_STR(n.metrics[now.metrics[1]].name, "Packaging/Line 3/Filler/state");
	CHECK_STR(n.metrics[before.metrics[1]].name, "Packaging/Line 3/Filler/state (uint8)");
	sp_node_fini(&n);
}

TEST(tags_of_sources_that_are_gone_belong_to_former)
{
	struct sp_stream st = { .s = &former };
	struct sp_node n;

	build(&n, SP_BY_SOURCE, 0, &st, NULL);
	CHECK_INT(n.ndevices, 2);
	CHECK_STR(n.devices[1].id, "former");
	sp_node_fini(&n);
}

static void
take(struct sp_node *n, const struct sp_stream *st, uint32_t tag, uint32_t status, float v)
{
	sp_node_take(n, st->metrics[tag], &(struct sample){
		.tag = tag, .status = status, .arrival = { 5 * NS_PER_S }, .v = { .type = status_is_bad(status) ? VALUE_NULL : VALUE_F32, .f32 = v } });
}

TEST(values_survive_a_change_of_streams_by_device_and_name)
{
	struct sp_stream now = { .s = &present }, before = { .s = &former, .next = &now };
	struct sp_node n, next;

	build(&n, SP_BY_EQUIPMENT, 0, &now, NULL);
	take(&n, &now, 2, 0, 7);
	build(&next, SP_BY_EQUIPMENT, 0, &before, &n);
	CHECK(!sp_node_same(&n, &next));
	sp_node_fini(&n);
	CHECK(next.metrics[now.metrics[2]].known);
	CHECK(next.metrics[now.metrics[2]].v.f32 == 7);
	CHECK(!next.metrics[now.metrics[0]].known);
	CHECK_INT(next.devices[next.metrics[now.metrics[2]].device].present, 1);
	sp_node_fini(&next);
}

TEST(the_same_streams_make_the_same_node)
{
	struct sp_stream st = { .s = &present };
	struct sp_node a, b;

	build(&a, SP_BY_SOURCE, 0, &st, NULL);
	build(&b, SP_BY_SOURCE, 0, &st, &a);
	CHECK(sp_node_same(&a, &b));
	sp_node_fini(&a);
	sp_node_fini(&b);
}

TEST(a_device_is_away_when_all_that_is_known_says_so)
{
	struct sp_stream st = { .s = &present };
	struct sp_node n;

	build(&n, SP_BY_SOURCE, 0, &st, NULL);
	CHECK(!sp_device_away(&n.devices[1]));
	take(&n, &st, 0, (uint32_t)STATUS_BadTimeout, 0);
	CHECK(sp_device_away(&n.devices[1]));
	take(&n, &st, 1, (uint32_t)STATUS_BadNodeIdUnknown, 0);
	CHECK(!sp_device_away(&n.devices[1]));
	take(&n, &st, 1, (uint32_t)STATUS_BadNoCommunication, 0);
	CHECK(sp_device_away(&n.devices[1]));
	take(&n, &st, 0, 0, 1);
	CHECK(!sp_device_away(&n.devices[1]));
	CHECK_INT(n.devices[1].present + n.devices[1].away, 2);
	sp_node_fini(&n);
}

TEST_MAIN
