// SPDX-License-Identifier: GPL-2.0
/* The second of the guide's driver container: shows itself in /proc. */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#define NAME "simple-procfs-kmod"

static int show(struct seq_file *file, void *unused)
{
	seq_puts(file, "simple\n");
	return 0;
}

static int __init procfs_init(void)
{
	return proc_create_single(NAME, 0444, NULL, show) ? 0 : -ENOMEM;
}

static void __exit procfs_exit(void)
{
	remove_proc_entry(NAME, NULL);
}

module_init(procfs_init);
module_exit(procfs_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("a simple module with a file in /proc");
