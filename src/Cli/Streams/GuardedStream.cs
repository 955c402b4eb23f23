namespace AsArm.Cli.Streams;

/// <summary>Writes without a buffer; a handler turns a failure into another exception, or into nothing.</summary>
/// <param name="inner">Where the bytes go.</param>
/// <param name="onFailure">Called at every write from the first failure on; those writes are not attempted.</param>
internal sealed class GuardedStream(Stream inner, Action<Exception> onFailure) : WriteOnlyStream
{
    private Exception? _failure;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            if (_failure is null)
            {
                inner.Write(buffer);
                inner.Flush();
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _failure = error;
        }

        if (_failure is not null)
            onFailure(_failure);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }
}
