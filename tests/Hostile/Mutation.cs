using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;

namespace AsArm.Hostile;

/// <summary>A random damage to a folder, determined by its number.</summary>
internal sealed class Mutation
{
    private static readonly long[] s_sizes = [0, 1, -1, 255, 65_536, int.MaxValue, int.MinValue, uint.MaxValue, 1L << 33, long.MaxValue, long.MinValue];

    private readonly Random _random;
    private readonly string _folder;

    private Mutation(int number, string folder)
    {
        _random = new Random(number);
        _folder = folder;
    }

    /// <summary>Writes a folder and damages it.</summary>
    /// <returns>A description of the damage.</returns>
    public static string Apply(int number, string folder)
    {
        var mutation = new Mutation(number, folder);
        BaseFolders.Write(number % BaseFolders.Count, folder);
        var done = new List<string>();
        for (int count = mutation.Chance(0.2) ? 3 : 1; count > 0; count--)
            done.Add(mutation.Once());
        return string.Join("; ", done);
    }

    private string Once()
    {
        string[] files = [.. Directory.GetFileSystemEntries(_folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
        string file = Chance(0.25) ? Manifest.Name : Pick(files);
        string path = Path.Combine(_folder, file);
        if (!IsRegular(path))
            return "nothing";
        byte[] content = File.ReadAllBytes(path);
        (string what, byte[]? changed) = _random.Next(7) switch
        {
            0 => ("bits", Bits(content)),
            1 => ("length", Length(content)),
            2 => ("size", Size(content)),
            3 => ("part", Part(content)),
            4 => ("kind", null),
            _ => ByFormat(file, content),
        };
        if (changed is null)
            what = Kind(path);
        else
            File.WriteAllBytes(path, changed);
        if (file != Manifest.Name && IsRegular(Path.Combine(_folder, Manifest.Name)) && Chance(0.95))
            TryRefresh();
        return $"{what} of {file}";
    }

    private static bool IsRegular(string path) => File.Exists(path) && new FileInfo(path) is { LinkTarget: null, Length: > 0 and < 1 << 24 };

    /// <summary>Damages a file according to its format.</summary>
    private (string What, byte[] Changed) ByFormat(string file, byte[] content) =>
        file.EndsWith(".json", StringComparison.Ordinal) ? ("value", Json(content)) :
        file == "golden.safetensors" ? ("header", Header(content)) :
        file is "ngrams.bin" or "model.onnx_data" ? ("size", Size(content)) :
        ("field", ProtobufTree.Change(content, _random));

    private void TryRefresh()
    {
        try
        {
            Manifest.Refresh(_folder);
        }
        catch (Exception error) when (error is System.Text.Json.JsonException or InvalidOperationException or IOException or UnauthorizedAccessException or ArgumentException or FormatException)
        {
            // asarm.json is already damaged
        }
    }

    private byte[] Bits(byte[] content)
    {
        for (int count = 1 << _random.Next(5); count > 0; count--)
            content[_random.Next(content.Length)] ^= (byte)(1 << _random.Next(8));
        return content;
    }

    private byte[] Length(byte[] content) => _random.Next(3) switch
    {
        0 => content[..Pick([0, 1, 7, 8, content.Length / 2, content.Length - 1, _random.Next(content.Length)])],
        1 => [.. content, .. new byte[Pick([1, 8, 4096])]],
        _ => new byte[content.Length],
    };

    private byte[] Size(byte[] content)
    {
        if (content.Length < sizeof(long))
            return Bits(content);
        int offset = Chance(0.5) ? _random.Next(Math.Min(64, content.Length - sizeof(long) + 1)) : _random.Next(content.Length - sizeof(long) + 1);
        if (Chance(0.5))
            BinaryPrimitives.WriteInt64LittleEndian(content.AsSpan(offset), Pick(s_sizes));
        else
            BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(offset), (int)Pick(s_sizes));
        return content;
    }

    /// <summary>Removes, repeats or moves a part.</summary>
    private byte[] Part(byte[] content)
    {
        int from = _random.Next(content.Length), length = _random.Next(1, Math.Min(content.Length - from, 1000) + 1);
        byte[] part = content[from..(from + length)], without = [.. content[..from], .. content[(from + length)..]];
        int place = _random.Next(without.Length + 1);
        return _random.Next(3) switch
        {
            0 => without,
            1 => [.. content[..from], .. part, .. content[from..]],
            _ => [.. without[..place], .. part, .. without[place..]],
        };
    }

    private byte[] Json(byte[] content)
    {
        try
        {
            return JsonTree.Change(content, _random);
        }
        catch (Exception error) when (error is System.Text.Json.JsonException or ArgumentException or InvalidOperationException)
        {
            return Bits(content); // it is already damaged
        }
    }

    private byte[] Header(byte[] content)
    {
        long length = content.Length < sizeof(long) ? -1 : BinaryPrimitives.ReadInt64LittleEndian(content);
        if (length <= 0 || length > content.Length - sizeof(long))
            return Bits(content);
        byte[] header = Json(content[sizeof(long)..(sizeof(long) + (int)length)]), size = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(size, header.Length);
        return [.. size, .. header, .. content[(sizeof(long) + (int)length)..]];
    }

    /// <summary>Replaces a file by a link or something else that is not a regular file.</summary>
    private string Kind(string path)
    {
        string aside = path + ".real", name = Path.GetFileName(path);
        File.Move(path, aside);
        string kind = Pick(["pipe", "folder", "socket", "zero", "itself", "nowhere", "another", "link", "links", "gone", "huge", "tty"]);
        switch (kind)
        {
            case "pipe":
                using (Process process = Process.Start("mkfifo", [path]))
                    process.WaitForExit();
                break;
            case "folder":
                Directory.CreateDirectory(path);
                break;
            case "socket":
                using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
                    socket.Bind(new UnixDomainSocketEndPoint(path));
                break;
            case "huge":
                using (FileStream stream = File.Create(path))
                    stream.SetLength(1L << Pick([31, 33, 40]));
                break;
            case "another":
                File.CreateSymbolicLink(path, Path.GetFileName(Pick(Directory.GetFiles(_folder).Order(StringComparer.Ordinal).ToArray())));
                break;
            case "links":
                File.CreateSymbolicLink(path + ".link", Path.GetFileName(aside));
                File.CreateSymbolicLink(path, path + ".link");
                break;
            default:
                if (kind != "gone")
                    File.CreateSymbolicLink(path, kind switch { "zero" => "/dev/zero", "tty" => "/dev/ptmx", "itself" => name, "nowhere" => "../none", _ => Path.GetFileName(aside) });
                break;
        }

        return kind;
    }

    private bool Chance(double probability) => _random.NextDouble() < probability;

    private T Pick<T>(T[] values) => values[_random.Next(values.Length)];
}
