namespace AsArm.Inference.Scheduling;

/// <summary>Settings of a scheduler.</summary>
/// <param name="Model">Name of the model, for metrics.</param>
/// <param name="MaxBatchSize">The maximum number of sequences in a forward pass.</param>
/// <param name="MaxQueued">The maximum number of requests that wait.</param>
/// <param name="QueueFullMode">What becomes of a request that finds the queue full.</param>
/// <param name="HasCache">Whether the model has a key/value cache, for metrics.</param>
internal sealed record SchedulerOptions(string Model, int MaxBatchSize, int MaxQueued, QueueFullMode QueueFullMode, bool HasCache);
