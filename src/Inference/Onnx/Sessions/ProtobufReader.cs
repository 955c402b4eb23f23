namespace AsArm.Inference.Onnx.Sessions;

/// <summary>Reads the fields of a protobuf message without copying them.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private const int Varint = 0, Fixed64 = 1, Message = 2, Fixed32 = 5;

    private readonly ReadOnlySpan<byte> _message = message;
    private int _offset;

    /// <summary>Number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>The bytes of the current field, including tag and length.</summary>
    public ReadOnlySpan<byte> FieldBytes { get; private set; }

    /// <summary>Whether the field is length-delimited: a string, bytes or a message.</summary>
    public bool IsMessage { get; private set; }

    /// <summary>The content of a length-delimited field; empty for a number.</summary>
    public ReadOnlySpan<byte> Content { get; private set; }

    /// <summary>The value of a varint field.</summary>
    public ulong Number { get; private set; }

    /// <summary>Reads the next field; false at the end.</summary>
    /// <exception cref="InvalidDataException">The message is damaged.</exception>
    public bool Read()
    {
        if (_offset == _message.Length)
            return false;
        int start = _offset;
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
                Content = Consume(ReadVarint());
                break;
            case Fixed32:
                Consume(sizeof(uint));
                break;
            case Fixed64:
                Consume(sizeof(ulong));
                break;
            default: // groups, which are deprecated
                throw Damaged();
        }

        FieldBytes = _message[start.._offset];
        return true;
    }

    private static InvalidDataException Damaged() => new("its protobuf message is damaged");

    private ReadOnlySpan<byte> Consume(ulong length)
    {
        if (length > (ulong)(_message.Length - _offset))
            throw Damaged();
        ReadOnlySpan<byte> consumed = _message.Slice(_offset, (int)length);
        _offset += (int)length;
        return consumed;
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64 && _offset < _message.Length; shift += 7)
        {
            byte next = _message[_offset++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }

        throw Damaged();
    }
}
