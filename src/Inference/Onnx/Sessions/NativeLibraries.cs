using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>What a shared library of Linux needs of others, and which of these are not there.</summary>
internal static class NativeLibraries
{
    private const int HeaderSize = 64, SectionSize = 64, EntrySize = 16;
    private const uint DynamicSection = 6;
    private const ulong Needed = 1;

    private static readonly (string Start, Func<string, string> Product)[] s_products =
    [
        ("libcuda.", _ => "the NVIDIA driver"),
        ("libcudnn", version => $"cuDNN {version}"),
        ("libnv", version => $"TensorRT {version}"),
        ("libcurand.", _ => "cuRAND of CUDA"), // has a version of its own
        ("libcufft.", _ => "cuFFT of CUDA"),
        ("libcu", version => $"CUDA {version}"),
    ];

    /// <summary>Names of the libraries that a library is linked to and that cannot be loaded.</summary>
    /// <param name="path">An ELF file of 64 bits.</param>
    public static IReadOnlyList<string> Missing(string path) => [.. NeededBy(path).Where(name => !CanLoad(name))];

    /// <summary>What to install for the libraries to be there.</summary>
    public static string Products(IEnumerable<string> libraries) =>
        string.Join(", ", libraries.Select(ProductOf).Distinct());

    /// <summary>Names of the libraries that a library is linked to; none for what is no ELF file of 64 bits.</summary>
    public static IReadOnlyList<string> NeededBy(string path)
    {
        using FileStream file = File.OpenRead(path);
        ReadOnlySpan<byte> header = Part(file, 0, HeaderSize);
        if (!header.StartsWith("\u007FELF\u0002\u0001"u8))
            return [];
        long sections = BinaryPrimitives.ReadInt64LittleEndian(header[40..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(header[60..]);
        byte[] table = Part(file, sections, count * SectionSize);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> section = table.AsSpan(i * SectionSize, SectionSize);
            if (BinaryPrimitives.ReadUInt32LittleEndian(section[4..]) != DynamicSection)
                continue;
            int names = (int)BinaryPrimitives.ReadUInt32LittleEndian(section[40..]);
            return Names(Content(file, section), Content(file, table.AsSpan(names * SectionSize, SectionSize)));
        }

        return [];
    }

    private static List<string> Names(ReadOnlySpan<byte> entries, ReadOnlySpan<byte> names)
    {
        var needed = new List<string>();
        for (; entries.Length >= EntrySize; entries = entries[EntrySize..])
        {
            if (BinaryPrimitives.ReadUInt64LittleEndian(entries) != Needed)
                continue;
            ReadOnlySpan<byte> name = names[(int)BinaryPrimitives.ReadUInt64LittleEndian(entries[8..])..];
            needed.Add(Encoding.ASCII.GetString(name[..name.IndexOf((byte)0)]));
        }

        return needed;
    }

    private static byte[] Content(FileStream file, ReadOnlySpan<byte> section) =>
        Part(file, BinaryPrimitives.ReadInt64LittleEndian(section[24..]), checked((int)BinaryPrimitives.ReadInt64LittleEndian(section[32..])));

    private static byte[] Part(FileStream file, long start, int length)
    {
        var bytes = new byte[length];
        file.Position = start;
        file.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>It stays loaded: the provider needs it at once.</summary>
    private static bool CanLoad(string name) => NativeLibrary.TryLoad(name, out _);

    private static string ProductOf(string library)
    {
        string version = library.Contains(".so.", StringComparison.Ordinal) ? library[(library.LastIndexOf(".so.", StringComparison.Ordinal) + 4)..] : "";
        return s_products.FirstOrDefault(product => library.StartsWith(product.Start, StringComparison.Ordinal)).Product?.Invoke(version) ?? library;
    }
}
