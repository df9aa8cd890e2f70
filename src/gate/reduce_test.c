/* Reductions against values worked out by hand; windows and the swinging door have files of their own. */
#include "gate/reduce_rig.h"

static const struct reduce_how on_change = { .kind = REDUCE_ON_CHANGE, .change = CHANGE_ANY };

TEST(every_sample_passes_as_it_is)
{
	struct rig g = rig_new((struct reduce_how){ .kind = REDUCE_EVERY });
	struct sample a = rig_f64(T0, 1), b = rig_bad(T0 + 1);
	a.source.ns = T0 - 5;
	a.flags = SAMPLE_REREAD;
	rig_feed(&g, a);
	rig_feed(&g, b);
	rig_feed(&g, rig_f64(T0 + 2, 1));
	CHECK_INT(g.out.n, 3);
	CHECK_INT(g.out.v[0].source.ns, T0 - 5);
	CHECK_INT(g.out.v[0].arrival.ns, T0);
	CHECK_INT(g.out.v[0].flags, SAMPLE_REREAD);
	CHECK_INT(g.out.v[1].status, (uint32_t)STATUS_BadTimeout);
	CHECK_INT(g.out.v[1].v.type, VALUE_NULL);
	rig_free(&g);
}

TEST(on_change_passes_what_differs)
{
	struct rig g = rig_new(on_change);
	const double in[] = { 1, 1, 2, 2, 1, 1, NAN, NAN, 1, INFINITY, INFINITY, 0.0, -0.0 };
	for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
		rig_feed(&g, rig_f64(T0 + (int64_t)i, in[i]));
	CHECK_STR(rig_values(&g), "1 2 1 nan 1 inf 0");
	rig_free(&g);
}

TEST(an_absolute_deadband_compares_with_the_last_that_passed)
{
	struct rig g = rig_new((struct reduce_how){ .kind = REDUCE_ON_CHANGE, .change = CHANGE_ABSOLUTE, .deadband = 1 });
	const double in[] = { 10, 10.6, 11, 11.2, 12.2, 12.3, 11.2 };	/* exactly the deadband is no change */
	for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
		rig_feed(&g, rig_f64(T0 + (int64_t)i, in[i]));
	CHECK_STR(rig_values(&g), "10 11.2 12.3 11.2");
	rig_free(&g);
}

TEST(per_cent_of_value_and_of_range)
{
	struct rig g = rig_new((struct reduce_how){ .kind = REDUCE_ON_CHANGE, .change = CHANGE_OF_VALUE, .deadband = 0.1 });
	const double in[] = { 100, 109, 111, 121, 123, 0, 0.001 };
	for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
		rig_feed(&g, rig_f64(T0 + (int64_t)i, in[i]));
	CHECK_STR(rig_values(&g), "100 111 123 0 0.001");
	rig_free(&g);
	g = rig_with((struct reduce_how){ .kind = REDUCE_ON_CHANGE, .change = CHANGE_OF_RANGE, .deadband = 0.005 },
	    (struct reduce_point){ .type = VALUE_F64, .has_range = true, .lo = 0, .hi = 1200 });
	const double sp[] = { 600, 605, 606.5, 601, 600 };	/* 0.5 % of 1200 is 6 */
	for (size_t i = 0; i < sizeof sp / sizeof sp[0]; i++)
		rig_feed(&g, rig_f64(T0 + (int64_t)i, sp[i]));
	CHECK_STR(rig_values(&g), "600 606.5 600");
	rig_free(&g);
}

TEST(a_change_of_status_passes_at_once_and_bad_stays_bad)
{
	struct rig g = rig_new((struct reduce_how){ .kind = REDUCE_ON_CHANGE, .change = CHANGE_ABSOLUTE, .deadband = 100 });
	rig_feed(&g, rig_f64(T0, 1));
	rig_feed(&g, rig_bad(T0 + 1));
	rig_feed(&g, rig_bad(T0 + 2));
	struct sample u = rig_f64(T0 + 3, 1);
	u.status = (uint32_t)STATUS_UncertainLastUsableValue;
	rig_feed(&g, u);
	rig_feed(&g, rig_f64(T0 + 4, 1));
	CHECK_STR(rig_values(&g), "1 - 1 1");
	CHECK(status_is_bad(g.out.v[1].status) && status_is_uncertain(g.out.v[2].status) &&
	    status_is_good(g.out.v[3].status));
	rig_free(&g);
}

TEST(texts_and_arrays_pass_on_any_change)
{
	struct reduce_how how = { .kind = REDUCE_ON_CHANGE, .change = CHANGE_ABSOLUTE, .deadband = 5 };
	struct rig g = rig_with(how, (struct reduce_point){ .type = VALUE_TEXT });
	static const char *const in[] = { "run", "run", "stop", "stop ", "", "" };
	for (size_t i = 0; i < 6; i++) {
		struct sample s = { .arrival = { T0 + (int64_t)i }, .v = { .type = VALUE_TEXT, .p = in[i],
		    .len = (uint32_t)strlen(in[i]) } };
		rig_feed(&g, s);
	}
	CHECK_INT(g.out.n, 4);
	CHECK_BYTES(g.out.v[2].v.p, "stop ", 5);
	CHECK(g.out.v[2].v.p != in[3]);	/* copied: the ring's memory is used again */
	rig_free(&g);
}

TEST(big_integers_are_compared_exactly)
{
	struct rig g = rig_with(on_change, (struct reduce_point){ .type = VALUE_U64 });
	const uint64_t big = (1ULL << 60) + 1;
	for (uint64_t i = 0; i < 4; i++)
		rig_feed(&g, (struct sample){ .arrival = { T0 + (int64_t)i }, .v = { .type = VALUE_U64,
		    .u = big + i / 2 } });
	CHECK_INT(g.out.n, 2);
	CHECK(g.out.v[1].v.u == big + 1);
	rig_free(&g);
}

TEST(at_least_every_never_waits_longer_while_samples_come)
{
	struct reduce_how how = on_change;
	how.at_least_every_ns = 10 * S;
	struct rig g = rig_new(how);
	rig_seed = 11;
	int64_t t = T0;
	for (int i = 0; i < 2000; i++) {
		t += 900 * NS_PER_MS + (int64_t)(rig_rnd() % 200) * NS_PER_MS;
		rig_feed(&g, rig_f64(t, 7));
	}
	CHECK(g.out.n > 190 && g.out.n < 260);
	for (size_t i = 1; i < g.out.n; i++) {
		int64_t gap = g.out.v[i].arrival.ns - g.out.v[i - 1].arrival.ns;
		CHECK(gap <= 10 * S + 200 * NS_PER_MS);
		CHECK(gap > 8 * S);
	}
	rig_free(&g);
}

TEST(a_silent_source_yields_nothing_and_no_time_is_invented)
{
	struct reduce_how how = on_change;
	how.at_least_every_ns = 1 * S;
	struct rig g = rig_new(how);
	rig_feed(&g, rig_f64(T0, 7));
	CHECK(reduce_tick(g.r, (struct wall){ T0 + 3600 * S }, &g.out) == INT64_MAX);
	rig_feed(&g, rig_f64(T0 + 7200 * S, 7));
	CHECK_INT(g.out.n, 2);
	CHECK_INT(g.out.v[1].arrival.ns, T0 + 7200 * S);
	rig_free(&g);
}

TEST(late_samples_are_flagged_and_move_no_reference)
{
	struct rig g = rig_new(on_change);
	rig_feed(&g, rig_from_device(T0 + 10 * S, T0 + 10 * S, 5));
	rig_feed(&g, rig_from_device(T0 + 8 * S, T0 + 11 * S, 7));	/* late, differs: passes with the flag */
	rig_feed(&g, rig_from_device(T0 + 9 * S, T0 + 12 * S, 5));	/* late, no change against what stands */
	rig_feed(&g, rig_from_device(T0 + 11 * S, T0 + 13 * S, 7));	/* differs from 5, not from the late 7 */
	CHECK_STR(rig_values(&g), "5 7 7");
	CHECK_INT(g.out.v[0].flags, 0);
	CHECK_INT(g.out.v[1].flags, SAMPLE_LATE);
	CHECK_INT(g.out.v[2].flags, 0);
	CHECK_INT(reduce_counts(g.r)->late, 2);
	rig_free(&g);
}

TEST(our_clock_set_back_is_a_step_at_once)
{
	struct rig g = rig_new(on_change);
	rig_feed(&g, rig_f64(T0, 5));
	rig_feed(&g, rig_f64(T0 - 3600 * S, 5));
	rig_feed(&g, rig_f64(T0 - 3599 * S, 5));
	CHECK_INT(g.out.n, 2);
	CHECK((g.out.v[1].flags & SAMPLE_CLOCK_STEP) != 0);
	rig_free(&g);
}

TEST(a_device_clock_set_back_is_seen_after_a_run_of_late_samples)
{
	struct rig g = rig_new((struct reduce_how){ .kind = REDUCE_EVERY });
	rig_feed(&g, rig_from_device(T0, T0, 0));
	for (int i = 1; i <= 12; i++)
		rig_feed(&g, rig_from_device(T0 - 3600 * S + i * S, T0 + i * S, i));
	CHECK_INT(g.out.n, 13);
	CHECK_INT(g.out.v[7].flags, SAMPLE_LATE);
	CHECK_INT(g.out.v[8].flags, SAMPLE_CLOCK_STEP);
	CHECK_INT(g.out.v[9].flags, 0);
	rig_free(&g);
}

TEST(a_device_clock_set_forward_is_a_step_and_a_drained_buffer_is_not)
{
	struct rig g = rig_new((struct reduce_how){ .kind = REDUCE_EVERY });
	rig_feed(&g, rig_from_device(T0, T0 + 60 * S, 0));	/* a minute behind: buffered in the device */
	rig_feed(&g, rig_from_device(T0 + 60 * S, T0 + 61 * S, 0));	/* caught up */
	rig_feed(&g, rig_from_device(T0 + 3661 * S, T0 + 62 * S, 0));	/* into the future */
	CHECK_INT(g.out.v[1].flags, 0);
	CHECK_INT(g.out.v[2].flags, SAMPLE_CLOCK_STEP);
	rig_free(&g);
}

TEST(a_value_of_another_type_is_not_believed)
{
	struct rig g = rig_new((struct reduce_how){ .kind = REDUCE_EVERY });
	rig_feed(&g, (struct sample){ .arrival = { T0 }, .v = { .type = VALUE_TEXT, .p = "x", .len = 1 } });
	rig_feed(&g, (struct sample){ .arrival = { T0 + 1 }, .v = { .type = VALUE_NULL } });
	CHECK_INT(g.out.v[0].v.type, VALUE_NULL);
	CHECK_INT(g.out.v[0].status, (uint32_t)STATUS_BadInternalError);
	CHECK_INT(g.out.v[1].status, (uint32_t)STATUS_BadInternalError);
	CHECK_INT(reduce_counts(g.r)->mistyped, 2);
	rig_free(&g);
}

/* ---- after a restart ---- */

/* Samples 0..cut were taken and what they let through is in the spool; a new reduction is brought up from that. */
static void
restart_at(struct reduce_how how, const struct sample *v, size_t n, size_t cut)
{
	struct rig whole = rig_new(how), before = rig_new(how), after = rig_new(how);

	for (size_t i = 0; i < n; i++)
		rig_feed(&whole, v[i]);
	for (size_t i = 0; i < cut; i++)
		rig_feed(&before, v[i]);
	for (size_t i = 0; i < before.out.n; i++)
		reduce_restore(after.r, &before.out.v[i]);
	for (size_t i = 0; i < n; i++)
		reduce_take(after.r, after.slot, 1, &v[i], 1, i < cut ? REDUCE_QUIET : REDUCE_LIVE, &after.out);
	CHECK_INT(before.out.n + after.out.n, whole.out.n);
	for (size_t i = 0; i < whole.out.n; i++) {
		const struct sample *w = &whole.out.v[i];
		const struct sample *s = i < before.out.n ? &before.out.v[i] : &after.out.v[i - before.out.n];
		CHECK_INT(s->arrival.ns, w->arrival.ns);
		CHECK_INT(s->status, w->status);
		CHECK(value_equal(&s->v, &w->v));
	}
	rig_free(&whole);
	rig_free(&before);
	rig_free(&after);
}

TEST(a_restart_at_any_point_goes_on_as_if_there_had_been_none)
{
	static struct sample v[300];
	const struct reduce_how hows[] = {
		{ .kind = REDUCE_EVERY },
		{ .kind = REDUCE_ON_CHANGE, .change = CHANGE_ABSOLUTE, .deadband = 0.7, .at_least_every_ns = 20 * S },
		{ .kind = REDUCE_SWINGING_DOOR, .change = CHANGE_ABSOLUTE, .door = 0.8 },
		{ .kind = REDUCE_WINDOW, .window_ns = 10 * S, .window_fns = 1u << WINDOW_MEAN | 1u << WINDOW_TIME_MEAN },
	};

	rig_seed = 4711;
	double x = 0;
	for (size_t i = 0; i < 300; i++) {
		x += rig_rnd01() - 0.5;
		int64_t t = T0 + (int64_t)i * S + S / 3;
		v[i] = rig_rnd() % 25 == 0 ? rig_bad(t) : rig_f64(t, x);
	}
	for (size_t k = 0; k < sizeof hows / sizeof hows[0]; k++)
		for (size_t cut = 0; cut <= 300; cut += 7)
			restart_at(hows[k], v, 300, cut);
}

TEST_MAIN
