using Google.Protobuf;

namespace AsArm.Hostile;

/// <summary>Damages a protobuf message: changes one field at any depth and keeps the enclosing lengths valid, so that the message can still be parsed.</summary>
internal sealed class ProtobufTree
{
    private const int MaxDepth = 12;
    private static readonly ulong[] s_numbers = [0, 1, 2, 7, 10, 11, 16, 255, 1 << 16, int.MaxValue, 1UL << 31, 1UL << 40, long.MaxValue, ulong.MaxValue];

    private readonly List<(uint Tag, ulong Number, byte[] Bytes, ProtobufTree? Message)> _fields = [];

    /// <summary>Returns a damaged message; flips a bit in content that is not a message.</summary>
    public static byte[] Change(byte[] content, Random random)
    {
        if (Parse(content, 0) is not ProtobufTree tree)
        {
            content[random.Next(content.Length)] ^= (byte)(1 << random.Next(8));
            return content;
        }

        ProtobufTree node = tree;
        while (true)
        {
            int field = random.Next(node._fields.Count);
            if (node._fields[field].Message is ProtobufTree { _fields.Count: > 0 } child && random.Next(8) != 0)
            {
                node = child;
                continue;
            }

            node.ChangeField(field, random);
            return tree.ToBytes();
        }
    }

    private void ChangeField(int index, Random random)
    {
        (uint tag, ulong number, byte[] bytes, ProtobufTree? message) = _fields[index];
        switch (random.Next(8))
        {
            case 0:
                _fields.RemoveAt(index);
                break;
            case 1:
                _fields.Insert(index, _fields[index]);
                break;
            case 2:
                _fields[index] = _fields[random.Next(_fields.Count)];
                break;
            default:
                if (WireFormat.GetTagWireType(tag) == WireFormat.WireType.Varint)
                    _fields[index] = (tag, s_numbers[random.Next(s_numbers.Length)], bytes, message);
                else if (bytes.Length > 0)
                    _fields[index] = (tag, number, Changed(bytes, random), null);
                break;
        }
    }

    private static byte[] Changed(byte[] bytes, Random random)
    {
        if (random.Next(3) == 0)
            return bytes[..random.Next(bytes.Length)];
        byte[] changed = [.. bytes];
        changed[random.Next(changed.Length)] = (byte)random.Next(256);
        return changed;
    }

    private static ProtobufTree? Parse(byte[] content, int depth)
    {
        var tree = new ProtobufTree();
        try
        {
            var input = new CodedInputStream(content);
            for (uint tag; (tag = input.ReadTag()) != 0;)
            {
                switch (WireFormat.GetTagWireType(tag))
                {
                    case WireFormat.WireType.Varint:
                        tree._fields.Add((tag, input.ReadUInt64(), [], null));
                        break;
                    case WireFormat.WireType.LengthDelimited:
                        byte[] bytes = input.ReadBytes().ToByteArray();
                        tree._fields.Add((tag, 0, bytes, depth < MaxDepth && bytes.Length > 1 ? Parse(bytes, depth + 1) : null));
                        break;
                    case WireFormat.WireType.Fixed32:
                        tree._fields.Add((tag, input.ReadFixed32(), [], null));
                        break;
                    case WireFormat.WireType.Fixed64:
                        tree._fields.Add((tag, input.ReadFixed64(), [], null));
                        break;
                    default:
                        return null;
                }
            }
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }

        return tree._fields.Count == 0 ? null : tree;
    }

    private byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            foreach ((uint tag, ulong number, byte[] bytes, ProtobufTree? message) in _fields)
            {
                output.WriteTag(tag);
                switch (WireFormat.GetTagWireType(tag))
                {
                    case WireFormat.WireType.Varint:
                        output.WriteUInt64(number);
                        break;
                    case WireFormat.WireType.Fixed32:
                        output.WriteFixed32((uint)number);
                        break;
                    case WireFormat.WireType.Fixed64:
                        output.WriteFixed64(number);
                        break;
                    default:
                        output.WriteBytes(ByteString.CopyFrom(message?.ToBytes() ?? bytes));
                        break;
                }
            }
        }

        return stream.ToArray();
    }
}
