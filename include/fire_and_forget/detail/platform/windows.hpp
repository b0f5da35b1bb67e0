// SPDX-License-Identifier: MIT
#pragma once

// What the other headers of this folder call of Windows 10, as <windows.h> declares it. That is
// not included here: its macros, min, near and interface among them, would reach users.

#if defined(_WIN32)

#include <cstdint>

extern "C" {
struct _RTL_SRWLOCK;
struct HINSTANCE__;

void __stdcall AcquireSRWLockExclusive(_RTL_SRWLOCK*);
void __stdcall ReleaseSRWLockExclusive(_RTL_SRWLOCK*);

__declspec(dllimport) unsigned long __stdcall FlsAlloc(void(__stdcall*)(void*));
__declspec(dllimport) void* __stdcall FlsGetValue(unsigned long);
__declspec(dllimport) int __stdcall FlsSetValue(unsigned long, void*);
__declspec(dllimport) int __stdcall FlsFree(unsigned long);

__declspec(dllimport) void __stdcall FlushProcessWriteBuffers(void);

__declspec(dllimport) void* __stdcall GetCurrentThread(void);
__declspec(dllimport) unsigned long __stdcall GetCurrentThreadId(void);
__declspec(dllimport) void* __stdcall OpenThread(unsigned long, int, unsigned long);
__declspec(dllimport) unsigned long __stdcall WaitForSingleObject(void*, unsigned long);
__declspec(dllimport) int __stdcall CloseHandle(void*);
__declspec(dllimport) long __stdcall SetThreadDescription(void*, const wchar_t*);

__declspec(dllimport) HINSTANCE__* __stdcall GetModuleHandleA(const char*);
__declspec(dllimport) int __stdcall GetModuleHandleExA(unsigned long, const char*, HINSTANCE__**);
__declspec(dllimport) std::intptr_t(__stdcall* __stdcall GetProcAddress(HINSTANCE__*,
                                                                        const char*))();
__declspec(dllimport) int __stdcall FreeLibrary(HINSTANCE__*);
}

#endif
