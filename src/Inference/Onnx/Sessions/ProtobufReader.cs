namespace AsArm.Inference.Onnx.Sessions;

/// <summary>Reads the fields of a protobuf message in place, for messages of which a few fields are wanted among many bytes.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private const int Varint = 0, Fixed64 = 1, Message = 2, Fixed32 = 5;

    private readonly ReadOnlySpan<byte> _message = message;
    private int _place;

    /// <summary>Number of the field that was read.</summary>
    public int Field { get; private set; }

    /// <summary>Bytes of the field that was read, tag and length included.</summary>
    public ReadOnlySpan<byte> Whole { get; private set; }

    /// <summary>Whether the field is text, bytes or a message.</summary>
    public bool IsMessage { get; private set; }

    /// <summary>The field's text, bytes or message; empty for a number.</summary>
    public ReadOnlySpan<byte> Content { get; private set; }

    /// <summary>The field's number, where it is stored as a varint.</summary>
    public ulong Number { get; private set; }

    /// <summary>Reads the next field; false at the end.</summary>
    /// <exception cref="InvalidDataException">The message is damaged.</exception>
    public bool Read()
    {
        if (_place == _message.Length)
            return false;
        int start = _place;
        ulong tag = ReadVarint();
        Field = (int)Math.Min(tag >> 3, int.MaxValue);
        IsMessage = (tag & 7) == Message;
        Number = 0;
        Content = default;
        switch ((int)(tag & 7))
        {
            case Varint:
                Number = ReadVarint();
                break;
            case Message:
                Content = Take(ReadVarint());
                break;
            case Fixed32:
                Take(sizeof(uint));
                break;
            case Fixed64:
                Take(sizeof(ulong));
                break;
            default: // groups, which no current message has
                throw Damaged();
        }

        Whole = _message[start.._place];
        return true;
    }

    private static InvalidDataException Damaged() => new("its protobuf message is damaged");

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)(_message.Length - _place))
            throw Damaged();
        ReadOnlySpan<byte> taken = _message.Slice(_place, (int)length);
        _place += (int)length;
        return taken;
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64 && _place < _message.Length; shift += 7)
        {
            byte next = _message[_place++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }

        throw Damaged();
    }
}
