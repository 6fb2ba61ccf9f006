/* What core's audit log is told about log-ins, before anybody is given what they signed in for. */
#ifndef AIRLOCK_IDP_EVENT_H
#define AIRLOCK_IDP_EVENT_H

#include "idp/idp.h"

enum event_kind {
    EVENT_SIGNIN,  /* somebody showed who they are */
    EVENT_REFUSED, /* and here somebody did not; core counts these per reason, address prefix and minute */
    EVENT_LOCKOUT, /* too many tries: further ones must wait */
    EVENT_DEVICE,  /* a person let a program elsewhere act for them */
    EVENT_DENIED,  /* a person said no to such a program */
    EVENT_REUSE,   /* a spent refresh token came again: its family is dead */
    EVENT_REPLAY,  /* a spent authorization code came again: the family made of it is dead */
    EVENT_REVOKED, /* a program gave its refresh token back */
    EVENT_LOGOUT,
    EVENT_PASSWORD, /* a person sets another password */
    EVENT_KINDS
};

struct event {
    enum event_kind kind;
    const char *subject; /* the person's oid, "" where nobody is known */
    const char *method;  /* "password", "client secret", "session" or "" */
    const char *client;  /* client id, "" where there is none */
    const char *address;
    const char *reason; /* in words, for what was refused; "" or NULL otherwise */
};

/* 0 once core has it for good; E_UNAVAILABLE or E_UNKNOWN when it is away. Any worker. */
int event_record(struct idp *idp, const struct event *event, struct error *err) MUST_USE;

#endif
