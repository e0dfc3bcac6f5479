import platform

from ravine.device.allocator import keep_freed_memory


def test_it_is_done_where_there_is_glibc():
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")
