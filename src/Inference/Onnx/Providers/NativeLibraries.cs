using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace AsArm.Inference.Onnx.Providers;

/// <summary>Finds the dependencies of a Linux shared library that cannot be loaded.</summary>
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
        ("libcurand.", _ => "cuRAND of CUDA"), // versioned separately
        ("libcufft.", _ => "cuFFT of CUDA"),
        ("libcu", version => $"CUDA {version}"),
    ];

    /// <summary>Names of the dependencies of a library that cannot be loaded.</summary>
    /// <param name="path">A 64-bit ELF file; any other file has none.</param>
    public static IReadOnlyList<string> Missing(string path)
    {
        try
        {
            return [.. NeededBy(path).Where(name => !CanLoad(name))];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException or OverflowException)
        {
            return []; // damaged: to load it tells more
        }
    }

    /// <summary>Missing libraries and what to install for them, in a sentence.</summary>
    public static string Describe(IReadOnlyList<string> missing) => $"{string.Join(", ", missing)} cannot be loaded: it needs {Products(missing)}";

    /// <summary>The products to install for the given libraries.</summary>
    public static string Products(IEnumerable<string> libraries) =>
        string.Join(", ", libraries.Select(ProductOf).Distinct());

    /// <summary>Names of the dependencies of a library; none for a file that is not a 64-bit ELF file.</summary>
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

    /// <summary>The library stays loaded, as the provider needs it next.</summary>
    private static bool CanLoad(string name) => NativeLibrary.TryLoad(name, out _);

    private static string ProductOf(string library)
    {
        string version = library.Contains(".so.", StringComparison.Ordinal) ? library[(library.LastIndexOf(".so.", StringComparison.Ordinal) + 4)..] : "";
        return s_products.FirstOrDefault(product => library.StartsWith(product.Start, StringComparison.Ordinal)).Product?.Invoke(version) ?? library;
    }
}
