/* The service manager's notification socket, sd_notify(3): a datagram of lines to $NOTIFY_SOCKET. Does nothing without one. */
#ifndef OS_NOTIFY_H
#define OS_NOTIFY_H

/* state: "READY=1\nSTATUS=..." */
void notify_manager(const char *state);

#endif
