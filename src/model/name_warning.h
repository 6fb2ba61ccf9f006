/* Names that are allowed and yet aimed at somebody's tools or eyes: flags for the manifest and for reviewers. Pure.
 * Sources: Microsoft "Naming Files, Paths, and Namespaces"; Unicode Default_Ignorable_Code_Point, Bidi_Control. */
#ifndef AIRLOCK_MODEL_NAME_WARNING_H
#define AIRLOCK_MODEL_NAME_WARNING_H

enum name_warning {
#define X(name, wire, what) NAME_WARNING_##name,
#include "model/name_warning.def"
#undef X
    NAME_WARNING_COUNT
};

/* Bits 1 << enum name_warning. name must have passed name_check. */
unsigned name_warnings(const char *name);
const char *name_warning_name(enum name_warning warning);

#endif
