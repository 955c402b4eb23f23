using System.Buffers;
using System.IO.MemoryMappedFiles;
using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>The n-gram table of a model folder, read where it lies: the file is mapped into memory, not copied.</summary>
internal sealed unsafe class NgramFile : MemoryManager<byte>
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly int _length;
    private byte* _start;

    private NgramFile(string path, int length)
    {
        _length = length;
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        try
        {
            _view = _file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        }
        catch
        {
            _file.Dispose();
            throw;
        }

        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
    }

    /// <summary>The table; not to be used once the file is disposed.</summary>
    public NgramTable Table { get; private set; } = null!;

    /// <summary>Maps and checks the table of a folder; null for a folder without one.</summary>
    /// <exception cref="ModelFolderException">It is damaged, or of another vocabulary.</exception>
    public static NgramFile? Open(ModelFolder folder)
    {
        if (folder.NgramsPath is not string path)
            return null;
        long length = new FileInfo(path).Length;
        if (length is 0 or > int.MaxValue)
            throw new ModelFolderException($"{path} is no n-gram table: it has {length} bytes.");
        NgramFile? file = null;
        try
        {
            file = new NgramFile(path, (int)length);
            file.Table = NgramTable.Open(file.Memory);
            if (file.Table.VocabularySize != folder.Manifest.VocabularySize)
                throw new NgramTableException($"an n-gram table of {file.Table.VocabularySize} tokens, the model has {folder.Manifest.VocabularySize}");
            return file;
        }
        catch (Exception error) when (error is NgramTableException or IOException or UnauthorizedAccessException)
        {
            (file as IDisposable)?.Dispose();
            throw new ModelFolderException($"{path} cannot be used: {error.Message}.", error);
        }
    }

    /// <inheritdoc />
    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        return new(_start, _length);
    }

    /// <inheritdoc />
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, _length);
        ObjectDisposedException.ThrowIf(_start is null, this);
        return new(_start + elementIndex);
    }

    /// <inheritdoc />
    public override void Unpin()
    {
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (!disposing || _start is null)
            return;
        _start = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }
}
