/*
 * The unit state machine of packaging machines: ISA-TR88.00.02-2015 (PackML), the 17 states of the base state model,
 * with its numbers, and the commands of PackTags Command.CntrlCmd.
 *
 * Terms: an *acting* state does something and leaves by itself when done; a *waiting* state is left by a command.
 * Execute is both. Held: the cause is inside the machine. Suspended: the cause is outside (starved, blocked).
 */
#ifndef SIM_PACKML_H
#define SIM_PACKML_H

#include <stdbool.h>

enum sim_packml {
	PACKML_UNDEFINED	= 0,
	PACKML_CLEARING		= 1,	/* a fault has been removed; going to Stopped */
	PACKML_STOPPED		= 2,	/* powered, standing still */
	PACKML_STARTING		= 3,	/* running up */
	PACKML_IDLE		= 4,	/* ready for Start */
	PACKML_SUSPENDED	= 5,	/* waiting for bottles, or for room */
	PACKML_EXECUTE		= 6,	/* producing */
	PACKML_STOPPING		= 7,
	PACKML_ABORTING		= 8,	/* fast stop on a failure */
	PACKML_ABORTED		= 9,	/* waits for repair and Clear */
	PACKML_HOLDING		= 10,
	PACKML_HELD		= 11,	/* micro-stop, jam or empty magazine */
	PACKML_UNHOLDING	= 12,
	PACKML_SUSPENDING	= 13,
	PACKML_UNSUSPENDING	= 14,
	PACKML_RESETTING	= 15,
	PACKML_COMPLETING	= 16,	/* batch done, running empty */
	PACKML_COMPLETE		= 17,	/* changeover */
	PACKML_STATES
};

enum sim_packml_cmd {
	PACKML_NO_CMD, PACKML_RESET, PACKML_START, PACKML_STOP, PACKML_HOLD, PACKML_UNHOLD, PACKML_SUSPEND,
	PACKML_UNSUSPEND, PACKML_ABORT, PACKML_CLEAR, PACKML_CMDS,
	PACKML_DONE = PACKML_CMDS	/* not a command: "state complete", the acting state is through */
};

/* Where a command (or PACKML_DONE) leads from a state; the state itself when it is not allowed there. */
enum sim_packml sim_packml_next(enum sim_packml from, enum sim_packml_cmd cmd);
bool sim_packml_acting(enum sim_packml s);
const char *sim_packml_name(enum sim_packml s);		/* "execute"; static */
/* Command by its name ("start"), PACKML_NO_CMD when there is none. */
enum sim_packml_cmd sim_packml_cmd(const char *name);

#endif
