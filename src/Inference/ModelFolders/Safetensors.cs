using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace AsArm.Inference.ModelFolders;

/// <summary>
/// Reads a safetensors file: 8 bytes of header length, a JSON header, raw little-endian data
/// (https://github.com/huggingface/safetensors#format).
/// </summary>
internal sealed class Safetensors
{
    private readonly string _path;
    private readonly byte[] _data;
    private readonly int _dataStart;
    private readonly Dictionary<string, Entry> _entries = [];

    private Safetensors(string path, byte[] data)
    {
        _path = path;
        _data = data;
        ulong length = data.Length >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(data) : ulong.MaxValue;
        if (length > (ulong)Math.Max(0, data.Length - 8))
            throw Invalid("its header is cut off");
        if (length > ModelLimits.GoldenHeaderBytes)
            throw Invalid($"its header has {length} bytes, more than {ModelLimits.GoldenHeaderBytes}");
        _dataStart = 8 + (int)length;
        ReadHeader(data.AsMemory(8, (int)length));
    }

    /// <summary>Names of the tensors.</summary>
    public IReadOnlyCollection<string> Names => _entries.Keys;

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="ModelFolderException">The file is missing, truncated or inconsistent.</exception>
    public static Safetensors Open(string path) => new(path, RegularFile.Read(path, ModelLimits.GoldenBytes));

    /// <summary>Reads a file of a folder, whose hash is checked on the bytes that are read.</summary>
    /// <exception cref="ModelFolderException">The file is missing, truncated, changed or inconsistent.</exception>
    public static Safetensors Open(ModelFolder folder, string name) => new(Path.Combine(folder.FullPath, name), folder.Read(name));

    /// <summary>The extents of a tensor.</summary>
    /// <exception cref="ModelFolderException">There is no such tensor.</exception>
    public IReadOnlyList<int> ShapeOf(string name) => Find(name).Shape;

    /// <summary>The values of a tensor, in row-major order.</summary>
    /// <exception cref="ModelFolderException">There is no such tensor, or it has another type.</exception>
    public T[] Read<T>(string name)
        where T : unmanaged
    {
        Entry entry = Find(name);
        string expected = default(T) switch
        {
            long => "I64",
            int => "I32",
            sbyte => "I8",
            float => "F32",
            double => "F64",
            Half => "F16",
            _ => throw new NotSupportedException(typeof(T).Name),
        };
        if (entry.Type != expected)
            throw Invalid($"{name} is {entry.Type}, not {expected}");
        // A floating-point product cannot overflow, and is exact up to 2^53.
        double size = entry.Shape.Aggregate((double)Marshal.SizeOf<T>(), (product, extent) => product * extent);
        if (entry.Shape.Any(extent => extent < 0) || entry.Begin < 0 || entry.End < entry.Begin || entry.End > _data.Length - _dataStart || entry.End - entry.Begin != size)
            throw Invalid($"the data of {name} is cut off or of the wrong size");
        return MemoryMarshal.Cast<byte, T>(_data.AsSpan(_dataStart + (int)entry.Begin, (int)(entry.End - entry.Begin))).ToArray();
    }

    private void ReadHeader(ReadOnlyMemory<byte> json)
    {
        try
        {
            using JsonDocument header = JsonDocument.Parse(json);
            foreach (JsonProperty property in header.RootElement.EnumerateObject().Where(property => property.Name != "__metadata__"))
            {
                int[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32())];
                JsonElement offsets = property.Value.GetProperty("data_offsets");
                _entries[property.Name] = new Entry(
                    property.Value.GetProperty("dtype").GetString()!, shape, offsets[0].GetInt64(), offsets[1].GetInt64());
            }
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IndexOutOfRangeException)
        {
            throw new ModelFolderException($"{_path} is not a safetensors file: its header is invalid.", error);
        }
    }

    private Entry Find(string name) => _entries.TryGetValue(name, out Entry? entry) ? entry : throw Invalid($"it has no tensor {name}");

    private ModelFolderException Invalid(string why) => new($"{_path} is not a complete safetensors file: {why}.");

    private sealed record Entry(string Type, int[] Shape, long Begin, long End);
}
