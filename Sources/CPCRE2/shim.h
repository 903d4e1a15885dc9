#pragma once
// The library's functions come in three widths; ours take UTF-8.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
