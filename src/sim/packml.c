/* See packml.h. The figure of the base state model, ISA-TR88.00.02-2015, as a table. */
#include "sim/packml.h"

#include <string.h>

static const struct {
	const char	*name;
	enum sim_packml	 done;		/* acting states: where they end */
} states[PACKML_STATES] = {
	[PACKML_UNDEFINED]	= { "undefined",	PACKML_UNDEFINED },
	[PACKML_CLEARING]	= { "clearing",		PACKML_STOPPED },
	[PACKML_STOPPED]	= { "stopped",		PACKML_UNDEFINED },
	[PACKML_STARTING]	= { "starting",		PACKML_EXECUTE },
	[PACKML_IDLE]		= { "idle",		PACKML_UNDEFINED },
	[PACKML_SUSPENDED]	= { "suspended",	PACKML_UNDEFINED },
	[PACKML_EXECUTE]	= { "execute",		PACKML_COMPLETING },
	[PACKML_STOPPING]	= { "stopping",		PACKML_STOPPED },
	[PACKML_ABORTING]	= { "aborting",		PACKML_ABORTED },
	[PACKML_ABORTED]	= { "aborted",		PACKML_UNDEFINED },
	[PACKML_HOLDING]	= { "holding",		PACKML_HELD },
	[PACKML_HELD]		= { "held",		PACKML_UNDEFINED },
	[PACKML_UNHOLDING]	= { "unholding",	PACKML_EXECUTE },
	[PACKML_SUSPENDING]	= { "suspending",	PACKML_SUSPENDED },
	[PACKML_UNSUSPENDING]	= { "unsuspending",	PACKML_EXECUTE },
	[PACKML_RESETTING]	= { "resetting",	PACKML_IDLE },
	[PACKML_COMPLETING]	= { "completing",	PACKML_COMPLETE },
	[PACKML_COMPLETE]	= { "complete",		PACKML_UNDEFINED },
};

#define IN(s)	(1u << PACKML_##s)
#define NOT_STOPPABLE	(IN(UNDEFINED) | IN(STOPPING) | IN(STOPPED) | IN(CLEARING) | IN(ABORTING) | IN(ABORTED))

static const struct {
	const char	*name;
	unsigned	 from;		/* bit set of the states that obey */
	enum sim_packml	 to;
} commands[PACKML_CMDS] = {
	[PACKML_NO_CMD]		= { "none",	 0,				PACKML_UNDEFINED },
	[PACKML_RESET]		= { "reset",	 IN(STOPPED) | IN(COMPLETE),	PACKML_RESETTING },
	[PACKML_START]		= { "start",	 IN(IDLE),			PACKML_STARTING },
	[PACKML_STOP]		= { "stop",	 ~NOT_STOPPABLE,		PACKML_STOPPING },
	[PACKML_HOLD]		= { "hold",	 IN(EXECUTE),			PACKML_HOLDING },
	[PACKML_UNHOLD]		= { "unhold",	 IN(HELD),			PACKML_UNHOLDING },
	[PACKML_SUSPEND]	= { "suspend",	 IN(EXECUTE),			PACKML_SUSPENDING },
	[PACKML_UNSUSPEND]	= { "unsuspend", IN(SUSPENDED),			PACKML_UNSUSPENDING },
	[PACKML_ABORT]		= { "abort",	 ~(IN(UNDEFINED) | IN(ABORTING) | IN(ABORTED)), PACKML_ABORTING },
	[PACKML_CLEAR]		= { "clear",	 IN(ABORTED),			PACKML_CLEARING },
};

enum sim_packml
sim_packml_next(enum sim_packml from, enum sim_packml_cmd cmd)
{
	if ((unsigned)from >= PACKML_STATES || (unsigned)cmd > PACKML_DONE)
		return from;
	if (cmd == PACKML_DONE)
		return states[from].done != PACKML_UNDEFINED ? states[from].done : from;
	return commands[cmd].from >> from & 1 ? commands[cmd].to : from;
}

bool
sim_packml_acting(enum sim_packml s)
{
	return (unsigned)s < PACKML_STATES && s != PACKML_EXECUTE && states[s].done != PACKML_UNDEFINED;
}

const char *
sim_packml_name(enum sim_packml s)
{
	return (unsigned)s < PACKML_STATES ? states[s].name : "undefined";
}

enum sim_packml_cmd
sim_packml_cmd(const char *name)
{
	for (int i = PACKML_RESET; i < PACKML_CMDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return (enum sim_packml_cmd)i;
	return PACKML_NO_CMD;
}
