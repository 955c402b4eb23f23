using AsArm.Assd.Models;

namespace AsArm.Inference.Tests.Support;

/// <summary>A model whose forward passes wait for the test, so that no test depends on timing.</summary>
internal sealed class GatedModel(IAnySubsetModel inner) : IAnySubsetModel, IDisposable
{
    private readonly SemaphoreSlim _entered = new(0), _permits = new(0);
    private readonly List<int> _batchSizes = [];
    private volatile bool _isOpen;

    public int VocabularySize => inner.VocabularySize;

    public int MaxLength => inner.MaxLength;

    public int StateSize => inner.StateSize;

    /// <summary>Sequences in each forward pass that has begun.</summary>
    public IReadOnlyList<int> BatchSizes
    {
        get
        {
            lock (_batchSizes)
                return [.. _batchSizes];
        }
    }

    /// <summary>Thrown by the next forward pass.</summary>
    public Exception? Error { get; set; }

    public bool IsDisposed { get; private set; }

    /// <summary>Waits until another forward pass has begun.</summary>
    public void WaitForPass() => Assert.IsTrue(_entered.Wait(TimeSpan.FromMinutes(1)), "A forward pass begins.");

    /// <summary>Lets one forward pass run.</summary>
    public void Permit() => _permits.Release();

    /// <summary>Lets all forward passes run.</summary>
    public void Open()
    {
        _isOpen = true;
        _permits.Release();
    }

    public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        lock (_batchSizes)
            _batchSizes.Add(states.Length);
        _entered.Release();
        if (!_isOpen)
            _permits.Wait(cancellationToken);
        if (Error is Exception error)
        {
            Error = null;
            throw error;
        }

        inner.Evaluate(states, cancellationToken);
    }

    public void Release(SequenceState sequence) => inner.Release(sequence);

    public void Dispose()
    {
        IsDisposed = true;
        (inner as IDisposable)?.Dispose();
        _entered.Dispose();
        _permits.Dispose();
    }
}
