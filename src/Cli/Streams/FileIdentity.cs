using System.Runtime.InteropServices;

namespace AsArm.Cli.Streams;

/// <summary>Which file it is, whatever its names and links: the same on all descriptors of one regular file.</summary>
internal readonly record struct FileIdentity(ulong Device, ulong Inode)
{
    private const int TypeMask = 0xF000; // S_IFMT
    private const int RegularFile = 0x8000; // S_IFREG

    /// <summary>Reads struct statx, whose layout is the kernel's and the same everywhere; null if it is not a regular file.</summary>
    public static FileIdentity? OfStatx(ReadOnlySpan<byte> statx)
    {
        int mode = MemoryMarshal.Read<ushort>(statx[28..]);
        if ((mode & TypeMask) != RegularFile)
            return null;
        ulong device = ((ulong)MemoryMarshal.Read<uint>(statx[136..]) << 32) | MemoryMarshal.Read<uint>(statx[140..]);
        return new FileIdentity(device, MemoryMarshal.Read<ulong>(statx[32..]));
    }
}
