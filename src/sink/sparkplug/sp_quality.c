/* What an OPC UA status is in Sparkplug's three codes, and which of them say that the device is away. */
#include "model/status.h"
#include "sink/sparkplug/sp_wire.h"

bool
sp_status_away(uint32_t status)
{
	switch (status & 0xffff0000u) {		/* without the info bits, OPC 10000-4 1.05, 7.39.1 */
	case (uint32_t)STATUS_BadCommunicationError:
	case (uint32_t)STATUS_BadTimeout:
	case (uint32_t)STATUS_BadShutdown:
	case (uint32_t)STATUS_BadServerNotConnected:
	case (uint32_t)STATUS_BadNoCommunication:
	case (uint32_t)STATUS_BadNotConnected:
		return true;
	default:
		return false;
	}
}

/*
 * STALE: there was a value, and nobody knows whether it still holds. Other uncertain values are current ones, if doubtful, so they stay GOOD
 * here and say more in StatusCode.
 */
enum sp_quality
sp_quality(uint32_t status)
{
	uint32_t code = status & 0xffff0000u;

	if (sp_status_away(status) || code == (uint32_t)STATUS_BadWaitingForInitialData)
		return SP_STALE;
	if (status_is_bad(status))
		return SP_BAD;
	return code == STATUS_UncertainLastUsableValue || code == STATUS_UncertainInitialValue ? SP_STALE : SP_GOOD;
}
