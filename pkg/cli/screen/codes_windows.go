package screen

import "golang.org/x/sys/windows"

// understands says whether a terminal takes escape codes for what they are. The console of Windows does when it is asked to, since
// Windows 10.
func understands(fd int) bool {
	handle, mode := windows.Handle(fd), uint32(0)
	if windows.GetConsoleMode(handle, &mode) != nil {
		return false
	}
	return mode&windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING != 0 ||
		windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
