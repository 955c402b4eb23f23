using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace AsArm.Cli.Streams;

/// <summary>What .NET does not expose about files: two functions of the C library whose arguments are the same on every processor.</summary>
internal static partial class NativeFiles
{
    private const int GetDescriptorFlags = 1; // F_GETFD
    private const int CloseOnExec = 1; // FD_CLOEXEC
    private const int CurrentFolder = -100; // AT_FDCWD
    private const int EmptyPath = 0x1000; // AT_EMPTY_PATH: the descriptor itself
    private const uint TypeAndInode = 0x101; // STATX_TYPE | STATX_INO
    private const int StatxBytes = 256;

    /// <summary>
    /// Whether a standard stream was open when the process began. Where it was closed, the runtime's own files and pipes take its number:
    /// those close at an exec, which an inherited one cannot.
    /// </summary>
    public static bool IsInherited(int descriptor)
    {
        if (OperatingSystem.IsWindows())
            return true;
        int flags = DescriptorFlags(descriptor, GetDescriptorFlags);
        return flags >= 0 && (flags & CloseOnExec) == 0;
    }

    /// <summary>Device and inode of an open file; null unless it is a regular file of a Linux system.</summary>
    public static FileIdentity? IdentityOf(int descriptor) => Identity(descriptor, "", EmptyPath);

    /// <inheritdoc cref="IdentityOf(int)" />
    public static FileIdentity? IdentityOf(SafeFileHandle file) => IdentityOf((int)file.DangerousGetHandle());

    /// <summary>The same of a path, links followed.</summary>
    public static FileIdentity? IdentityOf(string path) => Identity(CurrentFolder, path, 0);

    /// <summary>A device or a pipe, which others may write to at the same time; false where that is unknown.</summary>
    public static bool IsSpecial(string path) => OperatingSystem.IsLinux() && File.Exists(path) && IdentityOf(path) is null;

    private static FileIdentity? Identity(int folder, string path, int flags)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        byte[] result = new byte[StatxBytes];
        try
        {
            if (Statx(folder, path, flags, TypeAndInode, result) != 0)
                return null;
        }
        catch (EntryPointNotFoundException)
        {
            return null; // a C library from before 2018
        }

        return FileIdentity.OfStatx(result);
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int DescriptorFlags(int descriptor, int command);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, [Out] byte[] result);
}
