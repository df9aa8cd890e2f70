/* See enums.h. */
#include "site/enums.h"

/* ISA-TR88.00.02-2015 (PackML), the numbers of StateCurrent. */
static struct enum_item packml_states[] = {
	{ 0, "Undefined" }, { 1, "Clearing" }, { 2, "Stopped" }, { 3, "Starting" }, { 4, "Idle" }, { 5, "Suspended" },
	{ 6, "Execute" }, { 7, "Stopping" }, { 8, "Aborting" }, { 9, "Aborted" }, { 10, "Holding" }, { 11, "Held" },
	{ 12, "Unholding" }, { 13, "Suspending" }, { 14, "Unsuspending" }, { 15, "Resetting" }, { 16, "Completing" },
	{ 17, "Complete" },
};
/* The same standard, UnitModeCurrent: the modes that it names; makers may add their own from 4 up. */
static struct enum_item packml_modes[] = {
	{ 0, "Invalid" }, { 1, "Production" }, { 2, "Maintenance" }, { 3, "Manual" },
};

#define COUNT(a) (sizeof (a) / sizeof (a)[0])

static const struct enum_def packml_state = { "packml-state", packml_states, COUNT(packml_states) };
static const struct enum_def packml_mode = { "packml-mode", packml_modes, COUNT(packml_modes) };

const struct enum_def *const enums_built_in[] = { &packml_state, &packml_mode, NULL };
