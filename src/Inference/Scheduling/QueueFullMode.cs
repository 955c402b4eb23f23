namespace AsArm.Inference.Scheduling;

/// <summary>What becomes of a request that finds the queue full.</summary>
public enum QueueFullMode
{
    /// <summary>It waits, first come, first served, until it is cancelled or its time is up.</summary>
    Wait,

    /// <summary>It fails with <see cref="QueueFullException" />. Requests of batches wait in any case.</summary>
    Reject,
}
