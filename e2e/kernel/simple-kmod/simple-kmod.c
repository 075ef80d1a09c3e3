// SPDX-License-Identifier: GPL-2.0
/* Does what the guide's first driver container is for: it is there. */
#include <linux/module.h>

static int param;
module_param(param, int, 0444);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("a simple module");
